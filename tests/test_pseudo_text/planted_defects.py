"""Broken captions by the kind of their defect."""

PLANTED = {
    'empty': ['', '   ', '\n', ' . ', '...', ',', '-'],
    'over-long': ['The man is walking' + ', and he wears a hat' * 25 + '.', ' '.join(['word', 'another'] * 51)],
    'markup': """
The <age> man is walking, wearing a blue shirt.
The young man carries <bag> and wears glasses.
The young man carries {bag} and wears glasses.
A woman in [MASK] shirt is walking.
A woman wears [upper clothes] and jeans.
The man wears ____ and black shoes.
The man wears a blue _ and black shoes.
The man wears upper_clothes and black shoes.
The man wears None and carries a bag.
The man wears black shoes and None.
The man is wearing nan and blue jeans.
She carries null and has long hair.
<p>The man is walking.</p>
The man is walking.<br/>He has a bag.
The man is walking &amp; talking.
The man has a bag (black and wears glasses.
The man has a bag black) and wears glasses.
The man has a {bag and wears glasses.
The man has a bag] and wears glasses.
The man <age is walking.
The man has a bag () and glasses.
The %s man is walking.
The ${age} man is walking.
The man is walk ##ing in the park.
The man\\nis walking in the park.
A man [UNK] is walking, with a black bag.
</s> A man is walking, with a black bag.
The man wears %upper% and black jeans.
The man wears jeans|trousers.
""",
    'doubled words': """
The man has short hair hair.
The the man is walking.
The man is wearing wearing a shirt.
She is wearing a wearing a blue shirt.
She carries a pair of a pair of gloves.
The man wears a black black shirt.
He has long long hair and a bag.
The woman has hair Hair and a hat.
The woman has short hair, short hair.
The man is walking and and has a bag.
The woman wears a blue shirt and a bag and a bag.
He wears a red cap he wears a red cap and jeans.
She carries a bag, a bag and has long hair.
""",
    'repeated sentence': """
The man is walking. He has a bag. The man is walking.
She has long hair. She has long hair.
She wears a hat. she wears  a hat.
""",
    'punctuation': """
The man is walking , . He has a bag.
The man is walking,, wearing a hat.
The man is walking. . He has a bag.
The man is walking. , wearing a hat.
The man is walking.. He has a bag.
, the man is walking.
. The man is walking.
The man is walking , , wearing a hat.
The man is walking, wearing a hat,
The man is walking;. He has a bag.
The man wears a hat,and ,, a coat.
""",
    'dangling': """
The man is walking and .
The man is walking with .
The man wears a hat and , wearing a coat.
The woman is wearing a .
The woman is wearing a, and has long hair.
The woman has long hair and carries the
The man wears .
The man carries and a hat.
The man is wearing and black jeans.
The man is .
The man is , wearing a blue shirt.
The woman with and black jeans walks.
She is dressed in .
She is dressed in, and has a bag.
The is walking, wearing a blue shirt.
A is walking, wearing a blue shirt.
The man wears a and carries a bag.
The woman carries.
The woman has short hair and
The man has .
The woman is wearing
The lady is wearing a shirt and but carries a bag.
The young wears a hat.
He wears a blue.
She wears a red and carries a bag.
""",
    'article': """
The man wears a orange shirt.
The man wears an blue shirt.
The woman has a umbrella.
An man is walking.
An young man is walking.
A elderly man is walking.
The man wears an uniform and a hat.
The man wears an one-piece suit.
The man waits for a hour.
The man wears an t-shirt and shorts.
The man has an European hat.
A 8-year-old girl is walking.
The man wears the a blue shirt.
The man wears a a blue shirt.
The man wears a an orange shirt.
The man carries a bag and wears his a shirt.
The woman has a open umbrella.
""",
    'number': """
The man is wearing a pants.
The man is wearing a jeans and a shirt.
The woman wears a black jeans.
The woman wears a black and white shoes.
The woman carries two bag.
These shirt is blue.
The man wears these black shirt and jeans.
The man wears a glasses.
The man wears a sunglasses and a hat.
The woman wears this jeans.
The man has a pair of shoe.
The woman has several bag in her hands.
A women is walking.
A men in a black shirt is walking.
The woman wears a leggings, and has long hair.
The man has a gloves.
The man wears a long sports pants with white shoes.
Two man are walking.
The woman wears another shoes.
The woman carries three red handbag.
""",
    'agreement': """
He are walking.
She have long hair.
They is walking.
He wear a blue shirt.
The man is go for a walk.
The man is wear a blue shirt.
The man is wears a blue shirt.
The man is also carry a bag.
His pants is black.
Her shirt are white.
The man are walking.
The gloves is black.
The people is walking.
The man have short hair.
The man wear a hat.
The men is walking.
The men wears hats.
She also have long hair.
The man is walking, and his pants is black.
He is walking and his hair are short.
The man has wearing a blue shirt.
There is a man who wear a hat.
The woman in a blue shirt are walking.
The man with short hair have a bag.
The woman wearing black jeans carry a bag.
Wearing a blue shirt, the man are walking.
She wears glasses and carry a bag.
He wearing a blue shirt and jeans.
The man does wears a hat.
The elderly woman were walking.
His black leather shoes is dirty.
The woman's pants is black.
She wears a hat, and her hair are long.
She walk along the road.
The young woman carry a bag.
They was walking.
It have a zipper.
The man is stands still.
The men has short hair.
Shoes is white.
This man are young.
She do not wear a hat.
He am walking.
The man is be walking.
The man been walking.
Black trousers completes his outfit.
A blue shirt complete her outfit.
Her bag match her shoes.
There is two men in red coats.
The woman and the man is walking.
His shirt and pants is black.
Both shoes is black.
He can sees the camera.
The man with long hair walk along the road.
She squat and talks.
""",
    'pronoun': """
He leggings are black.
She hair is long.
He bag is black.
She black pants are long.
Him is wearing a hat.
Him wears a hat.
His is wearing a blue shirt.
Her is carrying a bag.
His wears a hat.
The bag is on him back.
He walks with a bag in him hand.
They hair is long.
He has a bag with he.
The man is walking and him is wearing a hat.
He blue striped shirt is open.
The man carries him bag.
""",
    'gender': """
The man is walking. She has long hair.
The woman is walking. He carries a bag.
The man carries a bag in her hand.
The young woman has short hair, and his shirt is blue.
The male woman is walking.
The man woman is walking.
The female man has a bag.
The man wears a hat. The woman has short hair.
The young man wears a hat. The lady carries a bag.
He is a young woman.
She is a man with a bag.
The person is walking. He has a bag. She has short hair.
The boy has a bag. The girl has short hair.
Wearing a hat, the man is walking. Her hair is long.
The boy is holding an umbrella in her hands.
""",
    'age': """
A middle-aged kid is walking.
An elderly boy is walking.
An old child is walking.
A young elderly man is walking.
A young woman is walking. The elderly woman has long hair.
A middle aged child is walking.
A middle-aged young man is walking.
An elderly girl wears a dress.
An old boy wears a hat.
The child is middle-aged.
A little boy is walking. The elderly man has a bag.
A middle-aged man is walking. The boy wears a hat.
A young middle-aged woman is walking.
The elderly teenager has a bag.
An adult child is walking.
The middle-aged toddler has a bag.
An aged kid walks.
""",
    'attributes': """
The man has short hair. He wears a hat, and his hair is long.
The woman with long hair is walking. She has short black hair.
A bald man is walking. He has long hair.
His head is bald. He has long brown hair.
The man is without a hat. He is wearing a hat.
The woman is wearing a hat and is walking without a hat.
The man has no bag. He carries a bag.
The man carries a backpack and has no bag.
The man is not wearing glasses. He wears glasses.
The man is standing. He is walking and has a bag.
The woman stands still, and she is running.
The woman walks along. She is standing still.
The man is running. He is walking.
The man is sitting. He walks along.
The woman has long short hair.
The short-haired woman is walking. She has long hair.
A woman without a bag carries a handbag.
The man wears black jeans. His jeans are blue.
The man wears a red shirt. His shirt is green.
""",
    'run-on': """
He wears a white shirt black pants.
The woman is walking, wearing a gray sweater jeans.
""",
    'spacing': """
The man is walking.He has a bag.
The man is walking , wearing a hat.
The man  is walking.
""",
    'capital': """
The man is walking. he has a bag.
Is the man walking? yes.
""",
}
PLANTED = {kind: text if isinstance(text, list) else text.strip().splitlines() for kind, text in PLANTED.items()}

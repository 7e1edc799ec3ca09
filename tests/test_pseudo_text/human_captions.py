"""Captions in the manner of CUHK-PEDES' annotators, made up for these tests.

Sound ones, sloppy as people are, and broken ones with the kind of their defect.
"""

# What the checker once took for broken.
REPORTED = """
He or she is wearing a hat.
The strap is in his or her left hand.
She walks beside a man.
He has his arm around a woman.
The woman wears a dress. The man wears a suit.
The woman holds a bag. The child wears a cap.
She wears a white tee-shirt, black pants and shoes.
He wears a white dress-shirt, gray slacks and brown shoes.
She has a plaid over-shirt, blue jeans and sneakers.
She wears a fanny-pack, shorts and sandals.
The man wears a ball-cap, sunglasses and a gray t-shirt.
She has a pony-tail, glasses and a pink top.
The woman wears a top with a V-neckline, black leggings and boots.
She is wearing a 3/4 sleeve top and jeans.
He wears a blue turtleneck and khaki pants.
""".strip().splitlines()

SOUND = """
A young woman with shoulder length brown hair is wearing a grey cardigan over a white top, dark jeans and black flats.
The man has short black hair and glasses. He wears a navy blue polo shirt, tan cargo shorts and white running shoes.
The lady has her hair pulled back in a bun and is wearing a sleeveless floral print dress with black sandals.
A man in a red and black flannel, faded jeans and work boots walks with his hands in his pockets.
This person has on a dark colored jacket, light colored pants and is carrying something in their right hand.
He/she has a black backpack and wears grey sneakers.
The pedestrian has long hair, so he or she may be a woman; the jacket is black.
His/her hair is tucked into a beanie.
A man or woman in a puffy black coat with the hood up.
The person might be male or female, and wears a long trench coat.
The girl is holding hands with a boy. She wears a yellow sundress.
He is pushing a stroller with a little girl in it.
The man is standing in line behind a woman and has a newspaper under his arm.
She is looking at him while she drinks from a bottle.
He walks with her and carries her purse on his shoulder.
The woman has her arm through his and wears a white blouse.
The woman is being followed by a man in a dark suit.
He is holding a baby. The woman beside him wears a blue hijab.
The man holds her hand and wears khaki cargo shorts and brown loafers.
The man on the left wears a gray suit. The woman on the right wears a red suit.
The boy is wearing a green t-shirt. The girl is wearing a purple t-shirt and they are holding hands.
The mother wears a coat. The boy wears a school uniform.
A woman walks ahead, a man with a suitcase is right behind.
She has a boy cut and wears boy shorts under a long tee.
He has his hair in a man bun and wears a wonder woman t-shirt.
The guy is wearing a Spider Man hoodie and carrying a girl's pink backpack.
She wears a dark-blue crew-neck, light-wash jeans and white tennis-shoes.
The woman wears a v-neck and black capris, and she has a sling bag across her body.
He is wearing a black turtle-neck, gray dress-pants and a leather belt.
The man wears a button-down, a sweater-vest and corduroy pants.
The woman wears a cream colored tank and denim shorts.
He wears a grey fleece and black sweat pants with white stripes on the sides.
The young man is wearing a long sleeve henley and brown corduroys.
He has a white hoody, navy trackpants and a pair of red hi-top sneakers.
The woman has a half-up ponytail, hoop earrings and jean shorts.
She has on a crop-top, high-waisted jeans and platform sandals.
A girl with a side-braid, blue flannel and ripped jeans looks over her shoulder.
The woman has a 1/2 sleeve blouse and 3/4 length pants.
The man, 30-35 years old, has a medium build and wears size 11.5 shoes or so.
She is about 5'4" and wears a pair of 3-inch black heels.
The man is wearing a shirt with 2 pockets, gray slacks and black shoes.
He wears a black tuxedo and a bow-tie.
The man wears a grey windbreaker, which is open, black track pants and has a duffle bag on his shoulder.
Wearing a striped tee, the boy is looking down at his phone with both hands.
The man has a full beard and is wearing a red baseball cap backwards, a black t-shirt with a logo on it, and tan shorts.
A woman with a dark complexion is wearing a tan sweater, a brown skirt, and is carrying a white purse on her left arm.
The female has dark hair and is wearing a white short sleeved shirt, black shorts and white shoes and carries a bag.
The woman is walking toward the camera. Her hair is down and she wears red lipstick, a gray scarf and a long coat.
Asian male with short black hair, glasses, blue checkered shirt, jeans and dark shoes.
The back of a woman with long black hair, wearing a light pink jacket and dark pants.
The person is wearing a hat with a brim and a shirt that appears to be white or cream in color.
An adult male wearing a grey shirt with a picture on the front, jeans and white sneakers rides a scooter.
She is wearing a very short pair of jean shorts and a baggy sweatshirt that hangs off of one shoulder.
The man is wearing khaki pants, brown shoes and what looks like a plaid shirt; he is carrying a laptop case.
He wears a t-shirt, of which the front is white and the sleeves are black, and shorts that come to his knees.
The girl in front is wearing a maroon dress with white polka dots, white socks and mary janes.
This woman has short hair, and a light blue dress on. She is also wearing high heeled shoes, which are silver.
The man is wearing all black and has a black bag strapped across his chest.
The woman has a pink top and a black and white patterned skirt on. On her feet are flip flops.
He wears black framed glasses, and he has a white towel draped around his neck.
A man with a shaved head wears a gray suit, with a pink tie and a white dress shirt, while talking on his phone.
The woman's black hair is pulled up in a pony tail. She is wearing a white lab coat over blue scrubs.
A teenage boy with spiky hair is in a white jersey with red trim and the number 12 on the back, and red shorts.
The man wears glasses, and has on a tan jacket over a dark shirt, along with dark pants and dark shoes.
She is carrying a clear umbrella, a small black clutch and a shopping bag from a store.
The man is bent over slightly and appears to be reading a paper he is holding with both hands.
The woman is wearing a long flowing skirt in green and a tight fitting black top, with a cross body bag.
Pedestrian is wearing light blue jeans, a black short sleeve shirt with a white design and black and white sneakers.
A woman is wearing a black coat with fur around the hood, black leggings and knee high boots with a small heel.
He is a heavy set man in his 40s, with thinning hair, a mustache, and a short sleeved button down shirt with a pocket.
The woman wears a blue dress that is belted at the waist and carries a brown handbag in the crook of her elbow.
The man wears a vest over a long sleeve shirt. A pair of sunglasses hangs from the vest's pocket.
He is wearing an orange reflective vest and a hard-hat, jeans and boots.
A woman has a toddler on her hip. The toddler has a bib on and she wears a sun-dress.
The woman has a coat on and the child next to her has a balloon.
a man wearing a blue shirt , white pants and black shoes
the man is wearing a black shirt. he has a bag, too.
The man has a black bag white in the middle and carries a phone.
A woman wears a polo style black shirt with tan khakis.
His jeans are dark blue and his tennis shoes white.
He wears his shirt open, tie loose and jacket over one arm.
The girl's hair is brown with blonde streaks. Shorts are jean. T-shirt is orange.
A man in a suit with a light blue dress shirt, the jacket black and the tie red.
She is holding a coffee cup with a white lid and a brown paper bag.
A woman, possibly a nurse, wears blue scrubs; she is talking to a man wearing a tie.
The man is carrying his girlfriend's purse and she is carrying his hat.
He has his left arm around her and wears a Lakers jersey.
She wears a t-shirt dress, black tights, ankle boots.
The man appears to be with his son, who wears a red shirt and blue shorts.
A lady in her 50's with a perm, pearl earrings and a lavender two-piece suit.
The young lady's skirt is a black and white check. Her tee has a picture of a girl on it.
The woman wears a shirt like a man's and her hair like a boy's.
A teenage girl is texting. The girl wears a choker and the hoodie is tied at her waist.
A mom pushes a baby in a stroller. She is wearing a ball cap, tank top and running shorts.
He or she wears a hooded rain-coat, so neither the face nor the hair is visible.
The person (male or female) is wearing dark jeans.
The man has a black and gray back-pack and headphones. He's wearing size 10.5 shoes, I'd guess.
Someone wearing a gray t-shirt, jean shorts, and flip-flops; he or she is bald.
The boy carries a girl on his back. Her sandals are pink.
He is wearing a dark blue, button-up shirt, and khaki colored, cargo shorts.
She has a white, over-sized sweater, and dark, skinny jeans.
The man is wearing a checked, short-sleeve, button-down shirt and brown slacks.
Two women walk together; the taller one is in a mini skirt, the shorter in jeans.
The man wears a grey sweater vest, a white collared shirt and a pair of black-framed glasses.
He is wearing a long-sleeve and jeans.
A man wearing a zip-up and black joggers.
She is in a one-piece and flip flops. He stands behind her.
The man is looking back at the woman he just passed.
A man wearing Nike Air Jordans, a snapback and a gold chain.
This pedestrian's sweater is half black, half white, and her pants are plaid.
The man is wearing a t-shirt and has a hoodie on over it.
A man who is with a child wears a polo. The child wears a pink hat.
A waiter in a white jacket and black bow tie, tray in hand, is serving a lady.
The woman in the picture is wearing a tan fedora and her date is in a suit.
A young boy, about 8, has on his dad's hat.
She has a boyish haircut and is dressed like a man.
A woman with short blonde hair wears a teal cardigan, white capris, and nude flats, and she has a straw tote on her arm.
The man wearing a burgundy sweater and grey dress pants is pushing a shopping cart with a box in it.
A tall man has his hood up, and he has a pair of white headphones over it.
The woman has on a lime green tank top, a denim mini skirt and wedge sandals. She also carries a beach bag.
He is on his bike and has one foot on the ground. He has on a neon yellow helmet.
A lady in scrubs and white clogs walks by with a coffee in her hand.
The student is carrying her books in front of her and her hair falls over her eyes.
Young man with a crew cut, white v-neck tee, olive cargo shorts, low cut socks.
The older gentleman has a cane in his right hand and a plastic sack in the left one.
There is a woman with a red purse. Her dress is white with black trim along the bottom.
She wears skinny jeans that are rolled up above her ankles and a tee shirt that has writing on the front.
The man is walking to the left. His shirt is tucked in and he has a phone case clipped onto his belt.
The person on the scooter has an open-face helmet, a windbreaker and dark trousers on.
A woman holds the hand of a small child, who wears a yellow rain coat.
The woman is with a man in a blue suit; she wears a green dress and silver heels.
His wife is beside him, and he has a map in his hands.
He is walking arm in arm with a lady in a long skirt.
The boy is sitting on his father's shoulders and has a balloon in his hand.
She is hugging a man, and her backpack is purple.
A man hands a bag to a woman. He wears a grey t-shirt and she wears a blue one.
The girl has her hands on her hips and a scowl on her face. Her high-tops are pink.
The man's polo is tucked in, and a lanyard hangs from his neck.
The woman is wearing a black and white, horizontally striped top and a pair of gray skinny jeans.
The woman wears a pink, flowered sun hat, a white shirt and tan pants.
He wears black, rectangular glasses and a short, black beard.
A man in a plain, gray shirt and a pair of long, baggy, black shorts is barefoot.
She has a dark-green, half-sleeved blouse and a knee-length, cream skirt.
A guy in a Yankees cap, a white jersey with pin-stripes and blue sweats.
He has a back-pack, a hand-bag that is likely someone else's, and two shopping bags.
The man is wearing a light blue long sleeved button up shirt, black dress pants and black dress shoes.
The woman is wearing a multi-colored blouse with a dark skirt and a pair of black pumps with a strap around the ankle.
The little girl has pig-tails, a pink tutu and white tights, and she is waving with her left hand.
The man is middle aged, balding and wears a short sleeve, button-down shirt with khakis.
This woman looks to be in her 60s or 70s. She's wearing slacks, a long vest and comfortable shoes.
The man is dressed in a white tee with a red logo in the center, camo pants and black boots, and his arms are crossed.
The person has their back to us and is wearing a lavender hooded sweater with matching lavender pants.
She has a camera around her neck, and is wearing capri length leggings and a racerback top.
The man wears an open, long sleeved plaid shirt over a gray shirt and black jeans with a chain.
The woman is wearing a knee-length gray coat, black tights, and has a gray and black scarf around her neck.
Woman walking with her head down. Wearing white t-shirt, light colored capri pants, brown flip-flops.
The woman wears a white shirt with ruffles down the front, and carries her jacket on her left arm.
She appears to be wearing a uniform consisting of a vest, a white shirt, a neck scarf and a skirt.
The man's pants are a dark khaki. He also has a watch on, and his shoes look like boat shoes.
A person wearing a face mask, a bucket hat, and gloves is carrying several cardboard boxes.
The man has his left hand in his pocket and is wearing a dark blue t-shirt and tan or khaki shorts.
The woman is wearing a top that is white at the top and black at the bottom, and black pants.
A man with an umbrella and briefcase wears a three piece suit.
She carries a black purse over her arm, and a drink and a cell phone are in her hands.
The man in the suit is wearing a name tag and has a head set in his ear.
She's wearing a T-shirt that is half white, half blue, with blue jeans, and holding a 1/2 gallon jug.
The man and the little boy beside him are wearing matching hats.
The old man and a young man are talking; the older one wears a vest.
The woman has long hair on one side, and the other side is cut short.
A little girl wears a pink coat. The lady with her carries a small pink backpack.
The elderly woman is walking with a younger woman who holds her arm.
The person is not wearing a hat but is holding one.
A man is sitting on the back of a bike while a boy stands next to it.
He is walking past a woman who is running to catch a bus.
She has short hair and long bangs, and wears a black and white skirt with a black top.
The girl's shirt is red and her brother's shirt is blue.
This girl is a young woman of about twenty-five with glasses.
He looks like a college kid, with a backpack and a baseball hat.
The man has a young face, dark hair and is wearing dress pants and a button up.
The woman wears a shirt that looks like a man's and black leggings.
The woman wears boyfriend jeans and a men's watch.
A female wearing a man's dress shirt and dark jeans.
She has blue jeans on and her jeans are cuffed; her blue bag has red straps.
The boy has a red bag and the straps of the bag are black.
A pedestrian in a white shirt is walking by a man in a red shirt.
The pedestrian, a male, is wearing jeans, and the female next to him is in shorts.
The shirt has a white front, black sleeves. The pants are black with white stripes.
The man wears jeans, shirt untucked, and brown shoes, hands behind his back.
The woman wears a top, leggings and boots all in black.
His hair, beard and shirt are dark and his pants are light.
Her top and shorts are white, and so is the sun hat she is holding.
Both of his shoes are untied and one of them is off.
His pair of jeans has a hole in each knee.
The bag is full of groceries and looks heavy.
The people behind her have umbrellas. She has a newspaper over her head.
Her arms, which are bare, are covered in tattoos.
The couple walks together. She wears a maxi dress and he has on swim trunks.
Her hands hold the strap of her bag.
The man heads up the steps. He shoulders a black gym bag and he tops it all with a cowboy hat.
She dresses well: a pearl necklace, a cream blouse and a pencil skirt.
What looks like a hat is her hair.
He has one shoe on and one shoe off.
The stripes on his shirt run up and down; those on his tie run across.
She is walking with her phone out, her hair, dyed a dark red, in a loose braid.
Male pedestrian wearing glasses, a black coat with a fur lined hood, and dark blue jeans.
a lady with glasses on her head is wearing white shorts with a blue pattern and a blue sleeveless top
""".strip().splitlines()

BROKEN = {
    'run-on': """
He wears a white shirt black pants.
The man is wearing a black jacket blue jeans and white shoes.
A woman in a pink top white shorts walks away.
The boy wears a red cap, a striped t-shirt khaki shorts and sandals.
She has long hair black dress and a brown purse.
The man has a gray polo black shorts and sneakers.
He carries an umbrella black backpack and a bottle.
A boy in a green shirt tan shorts and sneakers.
The man wears a gray hoodie jeans and boots.
""",
    'number': """
He is wearing a red flannel shirts, jeans and boots.
The woman carries a two handbags.
The man wears a velvet pants.
The person wears a pair of boot.
The man wears a brown corduroy pants.
She wears a black satin dresses and heels.
He has a black dress-shoes.
The man wears a baggy, gray sweat-pants.
She is wearing a yellow sun-dresses, and a hat.
The man carries two grocery bag in his hands.
The woman wears a blue dress shoes.
""",
    'gender': """
The man wears a hat. The woman has short hair.
The man is wearing a blue shirt and she has a black bag.
The woman walks away with a bag in his left hand.
A young man with glasses wears a sweater. Her pants are gray.
A woman in a red coat. He is carrying a purse.
A man walks by. The woman has a black bag.
He has short hair and her shoes are white.
The lady is wearing a black dress and his hair is long.
A man with a bag in her hand.
A woman is walking. He wears a white hat.
""",
    'age': """
A little boy is walking. The elderly man has a bag.
An old woman is walking. The girl wears a cap.
The elderly child has a ball.
""",
    'agreement': """
He or she are wearing a hat.
The man with a tee-shirt are walking.
His dress-shirt are untucked.
The woman wear a turtleneck and khaki pants.
His tennis-shoes is white.
""",
    'article': """
The woman wears a olive turtleneck.
The man has an gray over-shirt on.
""",
    'dangling': """
The man is wearing a blue shirt and.
He or she is wearing a .
""",
    'pronoun': """
She hair is in a pony-tail.
The woman holds a cup in she hand.
""",
    'doubled words': """
He wears a turtleneck turtleneck and khaki pants.
""",
    'spacing': """
The man is wearing a black shirt.He has a backpack.
She wears a white top,black pants and sandals.
He has short hair.he wears glasses.
The man walks away , wearing a gray suit.
The woman has a bag .She wears a hat.
The man wears  a green jacket.
Is it a boy ? It is hard to say.
""",
    'capital': """
The man is wearing a black shirt. he has a backpack.
A woman in a dress. she carries a purse. She has long hair.
""",
}
BROKEN = {kind: text.strip().splitlines() for kind, text in BROKEN.items()}

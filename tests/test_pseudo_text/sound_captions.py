"""Sound captions in the many ways in which people write them; all of them were made up for these tests."""

SOUND = """
The man is wearing a gray t - shirt , black shorts and white sneakers . He carries a plastic bag in his left hand .
a woman in a long red coat and high black boots , she is walking towards the left of the picture
The middle-aged woman is walking, dressed in a blue striped shirt and black jeans. She carries a bag and has long hair.
This person is wearing a pair of jeans that are rolled at the bottom and a dark hoodie.
The man in black pants is walking.
The man in black pants and white shoes is walking away from the camera.
She is wearing men's shoes and a one-piece swimsuit under an open shirt.
He has waited for an hour next to an SUV, wearing a uniform.
I think that that man is a guard, since he wears a uniform and an orange vest.
A ten year old boy is wearing three quarter length pants and a red cap.
A 10-year-old boy with a blue school bag on his back is running down the street.
An 8 year old girl holds an ice cream in her hand.
She has mid-length hair and is wearing what looks like a summer dress.
Her hands are in the pockets of her jacket, and her head is turned to the right.
The color of his pants is black and the color of his shoes is white.
He has short hair on the sides and long hair on top.
A woman holding her son by his hand is crossing the road. She wears a beige coat.
They are wearing a gray and white jacket. Their hair is tied in a ponytail.
The bottom of the jeans is rolled up, showing her white socks.
The man has short hair... he is wearing a white shirt, and carries a black bag on one shoulder.
The man with the gloves is riding a bicycle.
The boy with two bags in his hands is looking at his phone.
The lady's pants are black and her shoes are brown with an open toe.
A man wearing a shirt that is black and black pants walks on the sidewalk.
The person, who is wearing a dark blue jeans jacket, has her hair in a bun.
The bag he is carrying is black, and so are his shoes.
In his right hand he is holding a bottle. In his left hand is a newspaper.
On her back is a pink backpack, and on it are white letters.
The woman next to him is wearing a skirt.
Next to her is a man with a white umbrella.
The man walks beside a woman. The woman is wearing a long dress and she has a handbag.
The man and the woman are walking hand in hand; he wears a suit, she wears a red dress.
He and his friend are both wearing shorts.
The girl and boy are wearing the same school uniform.
She walks with her hair down, a white bag on her shoulder and a phone in her hand.
A man with a white shirt on and his sleeves rolled up is talking to someone.
The woman is wearing a T-shirt with the letter A on it, blue jeans and flip flops.
He wears an NBA jersey with long shorts, and an MP3 player is clipped to his belt.
the pedestrian is wearing a grey suit with a white dress shirt and a black tie. he is also wearing dress shoes.
The lady is wearing black heels, a black skirt that comes down just above the knee, and a black top with short sleeves.
A bald man in a dark suit is carrying a briefcase in his right hand and looking down.
He is bald on top with hair on the sides, and has glasses on.
She is wearing a short dress and has long black hair.
A little old lady is pushing a shopping cart; she has gray hair and wears an apron.
A young adult man stands at the corner, dressed in a two-tone hooded sweatshirt and baggy cargo pants.
The older boy has a skateboard under his arm. He wears a green t-shirt, jeans and black and white sneakers.
The old man's shirt is white, his trousers are gray, and his shoes are brown.
The school aged girl has a bow in her hair and wears pink tights.
The toddler is wearing a yellow raincoat and holding an adult's hand.
An Asian woman with shoulder length hair, glasses, and a long brown coat.
Man wearing white tank top, green shorts, white socks and black shoes.
Woman, long dark hair, red purse, jeans, boots.
A side view of a man in a blue and white striped polo shirt, khaki shorts, and a pair of brown sandals.
The man is without a hat and has a black backpack.
She is not carrying a bag, but a jacket hangs over her arm.
The woman has no bag; her hands are empty and her arms swing.
He is standing with one foot in front of the other, as if he is about to walk.
The man stands up straight while he is walking.
He appears to be walking or standing at a bus stop and he has a red bag on his back.
The thin stripe runs down the side of his pants as he walks.
Her blouse stands out against her black skirt as she walks along the wall.
A black haired woman is wearing glasses with black frames, a peach top and a pair of light blue capris.
The pair of shoes is white with a blue sole, and the pair of pants is gray.
The front of his shirt has a picture of a cartoon mouse and her bow on it.
The man carries a woman's bag for somebody and has his hand on the strap.
A man is carrying his daughter on his shoulders. Her dress is yellow.
He sports a beard and a gray fedora, and he shoulders a heavy bag.
She heads to the left, and she faces away from us.
The clothes he is wearing are all black.
Both his hat and coat are black.
Both hands are in his pockets.
The two men behind him are wearing helmets.
There are two straps on the bag, which she is wearing across her body.
He wears a two button suit, a light blue shirt and a tie with three stripes.
She has a few bags in her hands, and several papers under her arm.
The glasses he is wearing have thick black frames.
Her glasses are black, her hair is brown and her jacket is a dark shade of green.
Wearing a white shirt and blue jeans, the man is looking at his watch.
Dressed in a long pink coat with a hood, this young lady walks toward the camera with a bag in her hand.
With his hands behind his back, the elderly gentleman looks at the ground.
Carrying a bag in each hand, the woman is leaving a store, her hair tied back.
It is a man with a shaved head. He is wearing a camouflage jacket and black boots that are laced up.
This is a woman who has long straight hair that reaches her waist and who wears a flowing white dress.
There is a boy who wears a baseball cap and a sports jersey with a number 8 on it.
The people in the background are wearing dark clothes, but the man in front wears a bright yellow jacket.
A person is riding a bike on the road, wearing a helmet, gloves, and a backpack.
A student with a laptop bag, a ponytail and a hooded jacket walks to the right.
The jacket's sleeves are pushed up to the elbows, and its zipper is open.
His shirt's collar is white; the rest of his shirt is blue.
The jeans jacket is unbuttoned and the jeans skirt is short.
A man in a hat and sunglasses is standing next to a car.
A man, with a bag over his shoulder, is going for a walk in a park.
The woman is walking and, on her back, she has a large backpack.
He's wearing a brown leather jacket, and he's got a cigarette in his mouth.
She's in a black dress, isn't wearing glasses and doesn't have a bag with her.
The man doesn't wear a hat, does have glasses, and can be seen from behind.
Does he have a backpack? I think he does, and it is gray.
He is taller than the others are, and his coat is longer than theirs is.
The skirt is knee-length, and the socks are ankle-high.
Her shoes are white; her shirt is white; her hat is a straw hat.
The guy is wearing blue-gray sweat pants and a hooded sweater with U.S.A. on the back.
The man is about 30 yrs., has dark hair, etc., and wears a suit.
He has very very short hair and a long beard.
The kid is holding an umbrella, which is bigger than he is.
A young boy in a school uniform and white sneakers, and he is drinking a juice box.
She wears a headband (pink) and a bracelet on her left wrist.
He wears a shirt that says "I LOVE YOU", khaki shorts & sneakers.
a girl in skinny jeans and a big sweater is texting on her phone, and she has ear buds in.
A heavyset woman with curly red hair wears a black blouse, which is tucked in.
The cyclist wears tight black shorts and a bright jersey; the bicycle he is riding is silver.
Standing still, the man looks at his phone. He is wearing a bright orange vest.
The lady has on a dark one-shoulder top, a European style scarf and a unique belt.
The man has a moustache and an honest face; he wears an old hat.
A useful description: a tall man, a used jacket, an unusual hat and an unidentified bag.
The man walks to and fro, back and forth, with a coffee in hand.
Black pants and a white shirt is what she is wearing.
What he is wearing is a black suit. What he has is a suitcase.
A woman is dressed in a black and white dress and black and white shoes.
The lady in the white blouse, black skirt and red shoes has a jacket over her arm and is walking forwards.
One hand is in the pocket, the other is holding a cup, and a scarf is around the neck.
The man is pulling a suitcase behind him and has a coat on his arm.
She holds a phone to her ear and looks to her left.
A person in dark clothing with a hood over the head; neither face nor hair can be seen.
A woman with her bag and her glasses is waiting for the bus.
The man with his bag and his umbrella is running to catch the train.
Her dark hair is long and is pulled back into a ponytail. She wears short shorts.
The man has long hair on the top of his head and short hair at the back.
He wears knee length shorts, a short sleeve shirt, and long socks.
The young lady has a long-sleeved top with short, puffy shoulders and long hair.
The boy is looking at the bike that he is riding.
The direction he is walking in is to the left.
She is wearing a hat and is holding the hand of the child she is with.
There is nothing in her hands. She has no glasses on. Her hair is dyed red.
The woman with short hair wears a gown and is talking with a man whose shirt is white.
The man is wearing a plaid shirt over a white t-shirt, blue jeans, and has brown hair.
An elderly man with white hair walks with a cane, wearing dark slacks and a light sweater.
The teenager, a boy, has headphones around his neck and a skateboard in his hand.
The young girl is wearing a pink dress; the girl has her hair in braids.
The young man is wearing a cap backwards. The boy has a ring in his ear.
The woman's hair is short. She carries a long umbrella.
A lady walks her dog on her way home. He is on a leash and she has a coat on.
The pedestrian walks with a limp, she has a blue bag and she has sandals on her feet.
His short hair is black. He is dressed in all black and carries nothing.
The man is seen from behind with black hair, gray shirt, dark pants and a bag slung over the right shoulder.
He is wearing a dark suit and is carrying a jacket, with a lanyard around his neck that has a badge.
He looks to be wearing a black hat or a hood. His pants may be gray or brown.
the woman wears an apricot blouse , a pair of dark blue shorts with a belt , and she holds a drink .
a man wears a white shirt and black dress pants with black shoes that have white trim
A man in a t-shirt. Blue. Jeans are also blue. Shoes are black.
Her white, lace-up sneakers have pink laces; her leggings have a stripe.
The man and woman who are behind him wear jackets.
A group of men who wear the same shirt stand around him; he has a cap.
He wants to wear a helmet, and he seems to have gloves.
The lady seen walking is wearing an outfit made up of a top, a skirt, and tights.
A man holding and looking at his phone is wearing a blue checkered shirt.
The jacket is worn over a shirt; the sleeves of which are rolled up.
He is wearing a shirt with a print of a tiger, and the tiger has its mouth open.
The girl's hair is long and black, her skirt is short and black.
The person's trousers are slightly too long and the shoes are old.
The strap of her sandals is broken, the heels of her shoes are high.
The woman is walking fast; her scarf is flying behind her and her bag is under her arm.
A man with grey hair, who is wearing a tan coat, is smoking a cigarette.
The woman is holding the hand of a little boy. She has a black coat and he has a red one.
The man wears sunglasses on his head and a watch on his wrist.
She wears flat shoes, no socks, and a skirt that almost reaches her ankles.
The uniform is that of a waiter: a white shirt, a black bow tie and black pants.
A lady in a floral dress that is sleeveless walks by; she is holding an open umbrella.
The man's hair is cut short, and his beard is long.
The boy wears a jacket a size too big for him and jeans with holes in them.
The man is dressed in a shirt, pants, and shoes that are all black.
She has a purse on her left arm, and her right hand is holding her phone.
The man has on a yellow shirt, he has on black shorts, and he has on white shoes.
She is wearing a pair of black high heels and her legs are bare.
He is wearing dark glasses, and his head is down.
The woman is wearing light blue jean shorts, and a white top with long sleeves, and she has brown hair.
This man wears slacks that are gray, a light shirt, and has a belt around his waist.
Her pants are tight and are tucked into her boots.
The jacket is unzipped and the shirt underneath is white.
A lady in all black is looking at her phone while she waits for someone.
The man is running late, walking fast with a briefcase.
A tall thin man with short dark hair wears a blue button up shirt tucked into his jeans.
The child is wearing a red jacket and is holding onto a bag. The child has black hair.
The man in the picture is wearing a red and black plaid shirt, unbuttoned, over a tee.
A woman with blonde hair, wearing a navy dress with white polka dots and a matching navy hat.
He has a white bag in one hand and in the other is a drink.
The backpack straps are white. The backpack is blue.
Man has dark hair, is wearing glasses, and is looking down at the phone in his hands.
He is wearing an all white outfit.
She is wearing a long sleeve black shirt, short pink shorts, and has her long hair pulled back.
They have on a pair of black boots and a gray coat that covers their knees.
Young woman in her twenties, has long hair, carries a brown bag with a long strap over her left shoulder.
The old lady with a walker wears a purple jacket and a pair of slacks.
The girl is carrying a large bag on her shoulder that matches her shoes.
The man's left arm is bent and he is looking straight ahead.
The boy has a T-shirt with a picture of a woman on it and he wears shorts.
This lady is wearing what appears to be a school uniform: white blouse, plaid skirt, knee high socks.
A woman carrying a bag and wearing sandals is walking to the right of a man.
The thin man wears an untucked shirt with a University logo and an Adidas bag.
The man is standing sideways. He is wearing a plaid shirt and has his left foot forward as though walking.
The bald man with the beard is walking with a stroller.
The man on the bike is wearing a helmet and gloves are on his hands.
The woman wearing the jeans is walking, the straps of the bag are white.
There is a white stripe on each side of the pants.
She has a pony tail, a white purse hangs from her arm.
He seems young, wears trainers and a fleece, and has one hand in a pocket.
The pants have white stripes on the sides; the shoes have none.
The red of her shirt and the blue of her jeans stand out.
His jeans, which are blue, have a hole at one knee.
The shirt, pants and shoes she has on are all gray.
The man walks towards the camera wearing a white shirt with sleeves to the elbow, and has a camera around his neck.
The woman holds what looks to be an iced coffee in her hand.
She wears sneakers, one of which is untied.
One of the straps is white. One of the men wears a hat.
A pair of sunglasses is on his head, a pair of headphones around his neck.
A woman in a dress walks with a man in a suit; the man has his hand on her back.
Her socks are a bright white, her shoes are a dark blue.
It appears that he is wearing a long-sleeve, light-colored, collared shirt and dark pants with a belt.
The person has a heavy build and short hair, they have a bag on their shoulder.
The heels she is wearing are beige and have a strap around the ankle.
The man wears dark pants and carries what may be a jacket in his left hand, his right hand is in his pocket.
An Asian man in his 30's wears a lime green shirt, jeans and an orange backpack.
The teenage boy is looking at something in his hands, wearing a shirt with a number on its back.
A middle aged woman with short, curly hair wearing a brown jacket over a red sweater.
The boy is around 8 years old and is wearing an oversized coat.
A young mother holds her child's hand, wearing a black skirt that reaches mid-calf.
The man with white hair looks old and he wears black shoes.
The older gentleman's hair is gray and thin, he is wearing a beige vest over a white shirt.
He has no hat on and is wearing a hood.
A man without glasses wearing a hat looks at another man with glasses.
She is wearing a black top with no sleeves and carrying a bag with no zipper.
He is wearing jeans and a jacket with a fur collar and has his hands in his pockets.
The women's restroom sign is behind the man.
The man is talking on a cell phone and is holding a bag and is wearing shorts.
The woman is wearing white, and white shoes.
The woman wears her hair up and is wearing a blue dress with short sleeves, has long legs and long hair ties.
A boy, a girl, and a dog are behind the man in the red hat.
Standing with arms crossed, the woman wears her sunglasses on her head.
He is walking with his hands in the pockets of his dark jeans, which have a rip in the left knee.
She wears two-inch heels, a one-shoulder dress and a three-piece necklace.
A man sits on a bench. He has crossed legs and wears boots.
The lady sits on a scooter that she is riding to work.
""".strip().splitlines()

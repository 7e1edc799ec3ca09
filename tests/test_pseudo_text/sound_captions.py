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
A slim woman with dark brown hair tied up in a bun walks away from the camera, her hands swinging at her sides.
The man has a receding hairline and wears round spectacles, a navy jumper and corduroy trousers.
A girl around six skips along holding her mother's hand; both wear matching yellow raincoats.
Person in a grey hoodie, hood up, hands shoved in the front pocket, dark joggers, trainers.
This guy's got a huge beard and he's wearing a bright red bandana.
She's dressed for the gym: leggings, a sports bra and neon running shoes.
He is wearing a pair of dark wash jeans, which are a little too long for him.
An African American man with dreadlocks is wearing a black tank top and gray sweatpants.
A person is wearing a white top and a black bottom.
The lady wears a hijab that is light pink, and a long black abaya.
Two ladies are standing side by side; the one on the left wears a blue dress.
The man is pushing a stroller in which a baby is sleeping.
One of his shoelaces is untied.
Neither of the straps is on her shoulder.
The woman is wearing high heels that make her look taller.
The children are running ahead of their father, who wears a khaki jacket.
He's pulling a blue suitcase whose wheels are white.
She has her glasses pushed up on her head and her hair falls to her waist.
A young man with an Afro is listening to music on large over-ear headphones.
He wears a sleeveless basketball jersey, number 23, and matching shorts.
The woman's scarf is tied around the handle of her bag.
His pants are ripped at the knees and his shirt is untucked.
What makes her easy to spot is her orange umbrella.
The man's hands are full: he carries a box, two bags and a coffee.
Wearing nothing but swim shorts, a boy runs towards the pool.
A woman whose face is hidden by a mask waits at the crossing.
There are three people in the picture, and the one in the middle wears a black coat.
There's a tall man here who wears a suit and tie.
The jacket she wears is too big for her.
The man in the suit and the woman in the dress are talking.
A lady with short, curly, gray hair is walking with the help of a cane.
All of her clothes are black except for her white socks.
The sleeves of his shirt are rolled to the elbow, exposing a tattoo.
Most of his face is covered by a scarf.
Half of her hair is dyed green.
A pair of earphones hangs from her ears.
His backpack, one strap of which is loose, is dark green.
Her sandals have thin straps, and her toenails are painted red.
He wears a watch on his left wrist and a ring on one finger.
The man looks like he is in his fifties.
The woman looks as if she were about to cross the street.
Were it not for her pink bag, she would be dressed completely in black.
He could be a student; he has a laptop bag and a lanyard.
The pedestrian can be seen wearing a maroon sweater and tan chinos.
Is she carrying a bag? It seems so, though only the strap is visible.
A woman in her mid-thirties with a pixie cut is crossing the street.
The man has dark skin, short cropped hair and an athletic build.
A short man with long hair is walking a dog.
A tall woman with short hair and a short skirt and long socks.
The boy wears long shorts and a short-sleeved shirt.
The old man with the young boy is carrying a toolbox.
A girl is taking a picture of a boy who wears a red cap.
The bride wears a white gown; the groom, a black tuxedo.
The woman in the middle of the group has a blue lanyard around her neck and holds a stack of papers.
A teenager in an oversized denim jacket, an ankle-length skirt and Doc Martens.
He has an S on his shirt and an X on his cap.
A man wears an FBI cap and an 'I love NY' t-shirt.
The woman has an LV bag and an iPhone in a pink case.
The back of the shirt reads "POLICE" in white letters.
On the back of his jacket is a large white eagle.
Around her waist is tied a blue sweater.
In front of him are two suitcases.
Next to the man are three children.
Behind her walk two men in suits.
Slung over his shoulder is a guitar in a black case.
The shoes are brown, as is the belt.
The sweater is gray, and so is the beanie.
Her bag is the same color as her shoes are.
The pants he has on are gray.
The shirt the man is wearing is white with blue stripes.
The coat that the woman in the picture wears is made of wool.
The glasses the woman wears are round.
The jeans that he wears are faded, and the boots he wears with them are worn out.
He has a black jacket on over a white hoodie; the hood is out.
She has a jacket tied around her waist and is drinking from a bottle.
The man is bald and has a long beard.
He is mostly bald, with a bit of hair above the ears.
The long-haired man wears a short jacket.
Her hair is short and blond, and her nails are long.
This short woman has long braids that reach her hips.
The man stands with his legs apart and his arms folded as people walk past him.
She is sitting on a bench while a man stands beside her.
He is standing on an escalator, looking at his phone.
A woman stops walking and looks back.
He's running to catch a bus that is standing at the stop.
A man sitting in a wheelchair is being pushed by a woman.
The man has no hair and wears no glasses.
A woman is without glasses but has a hat.
He has neither a bag nor an umbrella.
The woman isn't wearing a coat, even though people around her are wearing thick coats.
She doesn't carry a handbag; she has a backpack.
He wears one glove; the other is in his hand.
She carries a hat in her hand instead of wearing it.
The man wears a black and gray and white striped sweater.
The man has a black bag with a black strap and black shoes.
She wears white, white and more white: shoes, jeans, blouse.
He is very, very tall.
The girl's dress is pink, pink as a flamingo.
The man said he had had a haircut that day.
She walks side by side with a friend, step by step down the stairs.
He is going up and down the stairs.
A middle-aged lady, hair dyed red, dressed in all black, talks on her mobile.
A middle age man, gray hair, wearing a suit.
The older lady has a young child on her arm.
The elderly couple are walking arm in arm.
The couple is walking hand in hand. The man wears a cap and the woman a sun hat.
A young mom with a baby carrier on her chest has sneakers and yoga pants on.
The old lady's granddaughter is wearing a yellow dress.
A young-looking elderly man is jogging in a tracksuit.
A woman old enough to be a grandmother is wearing a young person's outfit.
The girl wears her older sister's jacket.
The kid wears an old man's hat.
The young man looks older than he is because of his beard.
She wears a man's watch and a boyfriend blazer.
She's wearing a "Girl Power" shirt.
He has a Hello Kitty backpack, probably his daughter's.
The man is carrying a female mannequin.
A female police officer directs traffic; she wears a reflective vest.
A male nurse in blue scrubs wears white clogs.
The saleswoman wears a green apron over her black blouse.
A delivery man on his electric scooter has a big square box behind him.
The construction worker wears an orange hard hat and has his gloves tucked in his belt.
The cyclist, dressed in black lycra, leans over the handlebars.
Someone in a blue coat; their face cannot be seen.
The person is wearing their hair in two braids and they have a red purse.
They wear a dark puffer jacket and they look down at their phone.
Unlike the others, this man is in short sleeves.
The woman is wearing a one shoulder top and an off-white skirt.
A unicorn is printed on the girl's shirt, and she has a unique hairstyle.
He wears an ugly sweater and a eucalyptus-green scarf.
She holds a used cup and an unused napkin.
A UPS employee wears a brown uniform.
An unzipped jacket, an undershirt and a pair of utility pants.
It's an hour past noon and a man in a one-man kayak paddles by.
He is an heir to an 18th-century style: a top hat and a cape.
A woman in a herringbone coat and an herb-green hat.
An honest-looking man in an ordinary coat.
a pedestrian with dark hair is wearing red and white shoes , a black hooded sweatshirt , and black pants .
he's wearing a white tee-shirt w/ dark shorts & flip-flops
the woman has brown hair , carries a black purse , wears a light pink shirt , dark pants , and dark shoes .
Young male, early twenties, wearing a red/black flannel shirt (open), white tee, jeans.
Female. Blonde hair. Black leather jacket. Gray skinny jeans. Brown boots.
Wearing a purple dress, with a white handbag.
A man wearing: blue cap, blue jacket, blue jeans.
Dark-haired; about 5'10"; wearing a grey suit.
A man (about 40 years old) wears a brown jacket, brown shoes and a hat.
The man has a "Nike" swoosh on his cap...
She is walking, her long ponytail swinging, with an e-reader in hand.
The man is dressed casually. His clothes are loose.
She carries an umbrella, closed, which she uses as a cane.
The bag is carried over one shoulder; it is brown and has a flap.
The woman is seen walking, head down, with what may be an envelope in her hands.
A woman with glasses on, wearing a pair of denim shorts with a brown belt and a black vest top.
He wears the same kind of shoes as the man next to him.
In her left hand she has an ice-cream cone, in her right a leash.
The umbrella she holds is transparent.
Holding a phone in one hand and a cup in the other, she is waiting for the lights.
Looking over his shoulder, the man runs.
Seen from behind, the woman's legs look tanned.
Her legs are long and she wears short boots.
His left shoe is white and his right shoe is, too.
The straps on her dress are thin and the back is low.
A woman and a man wear the same jacket.
The men on the left wear helmets, the women on the right carry them.
His friends are all wearing caps; he is not.
People walking by do not notice the man, who sits on the ground.
The woman seems to have just left the gym and still has a towel around her neck.
Her coat has a belt, and its buttons are gold.
The soles of his shoes are thick.
Her socks and shoes are the same white as her skirt.
He wears nice shoes and his hair is combed back.
The man wears a shirt and tie, has a moustache and smokes a pipe.
Both the man and the woman have backpacks.
Either his shirt or his jacket has a logo.
The hem of her pants is wet.
The color of the woman's shoes matches that of her bag.
He has large eyes and wears contacts.
The skirt that covers her knees is pleated.
The woman wearing the red heels is carrying them by the straps now.
The man whose bag is open has dropped his keys.
A man with two kids is walking through the rain.
A woman with three-quarter sleeves and a two-piece suit.
A 30-year-old woman in an A-line skirt and a V-neck sweater.
This woman wears a T-shirt dress.
Her T-shirt has an American flag on it. Her jeans are cut off.
A man wears a hat, glasses and a shirt, all of them black.
He wears what he always wears: jeans, a tee and sandals.
The person to the left of her is holding a child.
The woman is wearing glasses she has pushed down her nose.
He is bending down to tie his shoes, so his face can't be seen.
She looks happy and is waving to someone off camera.
He has one hand on the strap of his bag, the other in his pants pocket.
Her hair's up in a messy bun and her earrings are big hoops.
The man's wearing a high-vis vest over a blue shirt.
The lady's in red.
The kids' mother has a stroller.
The man is as tall as the woman he walks with.
She's holding hands with a boy.
The boys' shirts are blue.
It is raining, and he has his jacket over his head.
The white shirt and tie is what everyone notices first.
A shirt and tie are all he needs.
The hat and the scarf she wears are red.
Her coat and bag are the same color.
The man, who has been waiting, looks tired.
The man and woman have been shopping.
She's been running and her face is red.
The lady has never been in such a hurry, it seems.
Her glasses must be new.
What is to be seen is a man in blue.
The woman might be sitting, might be squatting; it is hard to tell.
Do her shoes match her bag? They do.
Her shoes match her bag.
The bag matches her shoes.
His shoes, which match his belt, are brown.
Black socks cover her ankles.
A long coat covers most of her dress.
A red tie completes the look; brown shoes complete it further.
The outfit is complete with a belt.
His shirt collar covers his neck.
The phone cover is pink.
The woman can see her reflection.
He stands as if he were posing.
There is a two-tone bag on his shoulder.
There is many a man in a hat like his.
There are two stripes on each sleeve.
Here is one of two men.
There is two thirds of a bag in the picture.
The young are dressed in white, the elderly in black.
The elderly walk slowly; the young run.
He wears blue and carries red.
She is all in blue.
The dress is a red that hurts the eyes.
The shirt has a blue and a white stripe.
The tie is a dark red.
The shoes are white. The jeans are blue, and the bag is white.
He wears a blue jacket. The jacket is open and his shirt is white.
She wears a white shirt under a black one. Her shirt is untucked.
The man in the shirt and tie walks with a man in a suit.
A man in a striped shirt and a woman in a red skirt walk together.
The man with the bag and the man without it run.
The child with her parents runs ahead.
The woman with the stroller stands still, bends down and looks inside.
A man kneels on one knee to tie his laces.
A woman crouches beside her bike.
A woman bends over to pick up her bag.
He squats with his back to the wall.
The woman seen here is on her way to work.
You can see her socks.
The camera sees him from above.
She looks to see whether the bus is coming.
The knees of his jeans are torn.
Clothed in grey from head to toe, the man is hard to see against the wall.
His sunglasses are pushed up into his hair.
He doesn't look at the camera.
The girl doesn't carry anything but wears a pouch.
He can't be older than ten.
She will not need her umbrella.
One arm is bent, the other swings.
The man in a hat and coat does not have a bag.
A man without a bag who has an umbrella.
A woman without a coat carries a bag and wears a scarf.
A man without a hat carries one in his hand.
She never wears a hat or carries a bag.
He isn't wearing a hat or carrying a bag, but he has a watch.
The man is wearing no hat; the woman behind him is wearing one.
The lady's bag, bright red, hangs from her elbow.
The bag hangs at her hip, and she holds onto it with one hand.
an aged woman with a walking stick and a headscarf
A school-aged boy with a lunch box.
A college aged girl in a varsity jacket.
Middle aged woman, medium build.
She holds a bag in her left hand and a bag in her right.
He has a phone in one hand, a phone in the other and a puzzled look.
With a cap on his head and a cap in his hand, he looks like a seller.
Man, mid 40s, brown hair, brown eyes, brown coat.
The boy with the ball is it.
They are a boy and a girl, maybe twins.
He is, too, wearing a hat.
The shoe laces are white and the tongue is, as well, white.
A man wearing: (1) a cap, (2) a shirt, (3) shorts.
Outfit: black T-shirt / blue jeans / white sneakers.
90% of the outfit is black.
Her umbrella's handle is curved.
His T-shirt reads "Just do it!" in big letters.
a pedestrian who wears a yellow jacket that is zipped, black sneakers and a cap which is turned backwards.
the lady who's carrying the shopping bags has sunglasses on
Taller than the man beside her, the woman in red stands out.
He's got on a red shirt, and he's holding a red cup.
Her red top and white pants make her look like a flag.
His hat and scarf keep him warm.
Her purse and shoes go well together.
The man's shirt and the woman's dress are both yellow.
The man's jacket and hat are tan.
On his feet are white sneakers, on his head is a white cap.
Her hair is in pigtails and she's skipping rope.
He is riding what looks like a rental bike.
""".strip().splitlines()

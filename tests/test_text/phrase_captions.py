"""Captions in the manner of CUHK-PEDES, made up for these tests, and their noun phrases found by hand."""

GOLD = {
    'A pedestrian with dark hair is wearing red and white shoes, a black hooded sweatshirt, and black pants.':
        'pedestrian|dark hair|red white shoes|black hooded sweatshirt|black pants',
    'The person has short black hair and is wearing black rimmed glasses. They are wearing dark slacks.':
        'person|short black hair|black rimmed glasses|dark slacks',
    'A young woman with long dark hair is wearing a gray t - shirt , blue denim shorts and white sneakers .':
        'young woman|long dark hair|gray t-shirt|blue denim shorts|white sneakers',
    'She carries a black purse on her right shoulder.': 'black purse|right shoulder',
    'The man is wearing a light blue polo shirt tucked into khaki pants. He holds a cell phone to his ear.':
        'man|light blue polo shirt|khaki pants|cellphone|ear',
    'a man in a green and white striped shirt, gray shorts, and flip flops, he carries a plastic bag in his left hand':
        'man|green white striped shirt|gray shorts|flip-flops|plastic bag|left hand',
    'She has her hair in a pony tail. She is walking away from the camera wearing a pink tank top and black leggings.':
        'hair|ponytail|camera|pink tank top|black leggings',
    'The lady wears a knee length floral dress with a thin brown belt, and high heels.':
        'lady|knee-length floral dress|thin brown belt|high heels',
    'He is wearing a navy blue jacket with a yellow stripe down each sleeve, matching track pants, and running shoes.':
        'navy blue jacket|yellow stripe|sleeve|matching track pants|running shoes',
    'An older man with gray hair and glasses wears a plaid button up shirt over a white tee shirt with dark jeans.':
        'older man|gray hair|glasses|plaid button-up shirt|white t-shirt|dark jeans',
    'The girl is dressed in a school uniform consisting of a white blouse, a pleated skirt and knee high socks.':
        'girl|school uniform|white blouse|pleated skirt|knee-high socks',
    "The woman's coat is black and her pants are grey. Her shoes are brown boots.":
        'woman|coat|pants|shoes|brown boots',
    'The boy is riding a red bicycle and has on a pair of blue jeans and a baseball cap.':
        'boy|red bicycle|blue jeans|baseball cap',
    'A woman in a white top and blue jeans rolled up at the ankles is holding two shopping bags.':
        'woman|white top|blue jeans|ankles|two shopping bags',
    'The man talks to someone and stands sideways; he isn\u2019t wearing a hat.': 'man|hat',
    'The lady walks with a rucksack on her back.': 'lady|rucksack|back',
    'She wears a red, short skirt.': 'red short skirt',
    'A lady with short, dark hair and a long, flowing, white dress.': 'lady|short dark hair|long flowing white dress',
    'He wears a black, white and red striped shirt.': 'black white red striped shirt',
    'He wears a black, white, and red shirt.': 'black white red shirt',
    'The man has on a black, hooded jacket, blue jeans and white, low cut socks.':
        'man|black hooded jacket|blue jeans|white low-cut socks',
    'His shirt is red, black pants and white shoes.': 'shirt|black pants|white shoes',
    'Her hair is long, dark and straight.': 'hair',
    'A woman dressed in black, white shoes and a hat.': 'woman|white shoes|hat',
    'The man is tall, thin and wears a coat.': 'man|coat',
    'He wears a short sleeve black shirt.': 'short sleeve black shirt',
    'She has a long sleeve, white top and a floor length black skirt.':
        'long sleeve white top|floor length black skirt',
    'A man in a crew neck gray sweater and high top black sneakers.':
        'man|crew neck gray sweater|high top black sneakers',
    'She has a short sleeve shirt with long sleeves under it.': 'short sleeve shirt|long sleeves',
    'Her hair is pulled back in a bun.': 'hair|bun',
    'A girl with her dark hair tied back.': 'girl|dark hair',
    'He has a pair of sunglasses on top of his head.': 'sunglasses|head',
    'The man stands in front of a door and has a print on the back of his shirt.': 'man|door|print|back|shirt',
    'His hair is long on top and short on the sides.': 'hair|sides',
    'He wears a dark blue pair of shorts and two pairs of socks.': 'dark blue shorts|socks',
    'She has a black pair of high heels on.': 'black high heels',
    'His hair falls to his shoulders.': 'hair|shoulders',
    'Her long hair falls.': 'long hair',
    'Her hair flows down her back.': 'hair|back',
    'A woman in a hot pink top and royal blue pants.': 'woman|hot pink top|royal blue pants',
    'He wears a horizontal striped polo shirt and a salmon colored cap.':
        'horizontal striped polo shirt|salmon colored cap',
    'She wears a sky blue dress and a mint green, fur lined coat.': 'sky blue dress|mint green fur lined coat',
    'She wears a 3/4 sleeve shirt.': '3/4 sleeve shirt',
    'a man w/ a black/white cap and 9.5 inch heels': 'man|black white cap|9.5 inch heels',
    'He wears a black turtleneck and khaki pants.': 'black turtleneck|khaki pants',
    'She has on a crop-top, high-waisted jeans and a sweater-vest and corduroy pants.':
        'crop-top|high-waisted jeans|sweater-vest|corduroy pants',
    'She wears a dark-blue crew-neck, light-wash jeans and a button down.':
        'dark-blue crew-neck|light-wash jeans|button-down',
    'A bag hangs on one shoulder, black pants and a 2-button black suit.':
        'bag|one shoulder|black pants|2-button black suit',
    'Man, 40s, brown hair. A navy dress with white polka dots, white socks.':
        'man|brown hair|navy dress|white polka-dots|white socks',
    'A light blue turtle-neck, gray pants.': 'light blue turtleneck|gray pants',
    'He has on black, shiny shoes and a long, black, winter coat.': 'black shiny shoes|long black winter coat',
    'The man is wearing all black, white sneakers and a hat.': 'man|white sneakers|hat',
    'The jacket is a light gray, pants are black.': 'jacket|pants',
    'He carries his black, leather bag and a light-blue, long-sleeved shirt.':
        'black leather bag|light-blue long-sleeved shirt',
    'A woman in black, jeans jacket, and heels.': 'woman|jeans jacket|heels',
}  # fmt: skip

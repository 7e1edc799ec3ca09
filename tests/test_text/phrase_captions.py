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
}  # fmt: skip

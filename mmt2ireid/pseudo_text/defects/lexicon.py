"""What the checker knows about English: word lists, no code beyond building them."""

from __future__ import annotations

SINGULAR, PLURAL = 1, 2


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


# Clothes and things that have no singular, or whose singular nobody says.
PAIRS = words(
    """pants trousers jeans shorts leggings tights slacks sweatpants trackpants khakis chinos capris joggers overalls
    pajamas pyjamas culottes stockings glasses sunglasses spectacles eyeglasses goggles clothes headphones earphones
    earbuds jeggings dungarees scissors"""
)
ODD_PLURALS = {
    'dress': 'dresses', 'scarf': 'scarves', 'watch': 'watches', 'foot': 'feet', 'suitcase': 'suitcases',
    'briefcase': 'briefcases', 'jersey': 'jerseys', 'accessory': 'accessories', 'sundress': 'sundresses',
}  # fmt: skip
THINGS = words(
    """shirt t-shirt tshirt tee top jacket coat sweater hoodie skirt blouse vest suit cardigan sweatshirt pullover
    jumper blazer polo raincoat overcoat windbreaker parka robe uniform tie belt hat cap beanie helmet bag backpack
    handbag purse rucksack satchel phone cellphone umbrella bike bicycle motorcycle motorbike scooter cigarette
    bracelet necklace earring shoe sneaker boot sandal heel slipper loafer trainer sock glove mitten hand arm leg
    shoulder knee head outfit garment bottle book box cup camera skateboard tunic poncho gown camisole sleeve pocket
    stripe logo button collar shoelace jumpsuit romper bra wallet lanyard mask headband ponytail cart stroller
    duffel knapsack tote windcheater waistcoat frock smartphone moped pack anorak case turtleneck v-neck crewneck
    crew-neck button-up button-down zip-up flannel fleece henley polo tank puffer undershirt tuxedo tracksuit swimsuit
    leotard cape shawl hijab turban bandana beret fedora visor hood neckline bun braid"""
)
MASS = words('hair clothing footwear luggage baggage attire jewelry eyewear outerwear headgear')
PLURAL_OF = {**{thing: f'{thing}s' for thing in THINGS}, **ODD_PLURALS}
PLURAL_OF['box'] = 'boxes'
# Halves of a pair: "a pair of shoe", "a pair of pant".
HALVES = words('pant jean legging trouser shoe sneaker boot sandal slipper loafer sock glove mitten')

KIN_MEN = words("""father dad daddy husband son brother boyfriend grandfather grandpa grandson uncle nephew groom""")
KIN_WOMEN = words(
    """mother mom mum mommy wife daughter sister girlfriend grandmother grandma granddaughter aunt niece bride"""
)
MEN = {
    'man': 'men', 'male': 'males', 'boy': 'boys', 'guy': 'guys', 'gentleman': 'gentlemen', 'lad': 'lads',
    'dude': 'dudes', 'fellow': 'fellows', 'chap': 'chaps', 'gent': 'gents', 'businessman': 'businessmen',
    'policeman': 'policemen', 'schoolboy': 'schoolboys',
}  # fmt: skip
WOMEN = {
    'woman': 'women', 'female': 'females', 'girl': 'girls', 'lady': 'ladies', 'gal': 'gals', 'lass': 'lasses',
    'businesswoman': 'businesswomen', 'policewoman': 'policewomen', 'schoolgirl': 'schoolgirls',
}  # fmt: skip
ANYONE = {
    'person': 'people', 'pedestrian': 'pedestrians', 'child': 'children', 'kid': 'kids', 'toddler': 'toddlers',
    'teenager': 'teenagers', 'teen': 'teens', 'adult': 'adults', 'individual': 'individuals', 'student': 'students',
    'worker': 'workers', 'youngster': 'youngsters', 'cyclist': 'cyclists', 'rider': 'riders', 'baby': 'babies',
    'infant': 'infants', 'walker': 'walkers', 'shopper': 'shoppers', 'tourist': 'tourists', 'runner': 'runners',
    'senior': 'seniors',
}  # fmt: skip
PERSONS = {**MEN, **WOMEN, **ANYONE}
HE_WORDS = words('he his him himself')
SHE_WORDS = words('she her hers herself')
MALE = HE_WORDS | MEN.keys()
FEMALE = SHE_WORDS | WOMEN.keys()
# Whoever is named so is somebody else than the one described, or there are several.
OTHERS = words(
    """another other others someone somebody anyone everybody everyone people persons they them their theirs
    couple group crowd friend friends companion companions partner partners stranger strangers colleague colleagues
    someone's friend's children kids babies baby infant doll mannequin cartoon character portrait poster dog cat
    puppy pet teacher boss nurse seller vendor passerby family parents parent sibling siblings twins twin statue
    actor actress singer celebrity disney minnie mickey barbie princess mrs mr miss ms"""
) | KIN_MEN | KIN_WOMEN | {f'{word}s' for word in KIN_MEN | KIN_WOMEN} | {
    *MEN.values(), *WOMEN.values(), *(plural for plural in ANYONE.values()),
} | {f"{word}'s" for word in (*KIN_MEN, *KIN_WOMEN)} | {
    f"{word}'s" for word in (*MEN.values(), *WOMEN.values())
} | {'mens', 'womens'}  # fmt: skip

CHILD, YOUNG, MIDDLE, OLD = 'child', 'young', 'middle-aged', 'old'
ALL_AGES = frozenset((CHILD, YOUNG, MIDDLE, OLD))
GROWN = frozenset((YOUNG, MIDDLE, OLD))
# What a noun alone says about the age; people call a young man a boy or a kid.
AGE_OF_NOUN: dict[str, frozenset[str]] = {
    **dict.fromkeys(('man', 'woman', 'lady', 'gentleman', 'businessman', 'businesswoman', 'policeman', 'policewoman'),
                    GROWN),
    **dict.fromkeys(('boy', 'girl', 'kid', 'teenager', 'teen', 'youngster', 'lad', 'lass', 'schoolboy', 'schoolgirl'),
                    frozenset((CHILD, YOUNG))),
    **dict.fromkeys(('child', 'toddler', 'baby', 'infant'), frozenset((CHILD,))),
    'adult': GROWN, 'senior': frozenset((OLD,)),
}  # fmt: skip
AGE_OF_ADJECTIVE: dict[str, frozenset[str]] = {
    **dict.fromkeys(('elderly', 'aged', 'senior', 'old', 'gray-haired'), frozenset((OLD,))),
    **dict.fromkeys(('middle-aged', 'middleaged', 'mid-aged'), frozenset((MIDDLE,))),
    **dict.fromkeys(('young', 'youthful', 'teenage', 'teenaged', 'teen', 'adolescent'), frozenset((CHILD, YOUNG))),
    **dict.fromkeys(('adult', 'mature', 'grown', 'grown-up'), GROWN),
}  # fmt: skip
AGE_OF_ADJECTIVE['gray-haired'] = GROWN
# Adjectives that make a child only of a boy or girl: "a little old lady".
SMALL = words('little small')
AGE_WORDS = frozenset((*AGE_OF_ADJECTIVE, *SMALL, 'child', 'kid', 'toddler', 'teenager', 'infant'))

COLOURS = words(
    """black white gray grey red pink orange yellow green blue purple brown beige tan khaki navy maroon burgundy violet
    cream ivory gold golden silver teal turquoise olive charcoal magenta lavender aqua cyan peach coral mustard
    crimson scarlet indigo fuchsia rust camel denim"""
)
MODIFIERS = (
    COLOURS
    | AGE_OF_ADJECTIVE.keys()
    | words(
        """dark light bright pale deep faded plain solid colored coloured striped stripe plaid dotted checkered checked
    spotted floral printed patterned camouflage camo polka dot block two-tone multicolored multi-colored pure color
    long short knee-length ankle-length full-length mid-length three-quarter sleeveless sleeved long-sleeved short-
    sleeved long-sleeve short-sleeve sleeve loose tight baggy skinny slim fitted wide ripped torn cropped rolled big
    small large little tiny huge thick thin heavy casual formal sports sport sporty athletic dress track cargo
    running tennis leather cotton wool woolen knit knitted denim jean jeans silk lace nylon canvas fur furry fleece
    puffy padded quilted hooded zip zipped zip-up button-up button-down buttoned collared turtleneck v-neck open new
    old worn dirty clean nice fancy fashionable stylish matching similar same different simple modern high low top
    tank polo baseball shoulder cross-body crossbody messenger hand back travel rolling plastic paper shopping
    school laptop backpack bag wind trench rain suit sweat sun reading rimmed framed round square thick-rimmed tall
    young elderly middle-aged middle asian caucasian african american white-haired chubby slender lean lovely pretty
    handsome male female straight curly wavy shoulder-length medium-length medium bald main other first second left
    right lower upper outer inner shiny metallic translucent summer winter work hiking combat rubber high-top tight-
    fitting form-fitting loose-fitting bell-bottom flared pleated mini maxi midi front rear single stripy tartan
    polka-dot flannel satin velvet corduroy suede linen chiffon mesh spandex cashmere tweed polyester chambray
    sequined grocery gym yoga bowling hoop fishnet animal-print sheer jewel flowered flowery color-block graphic
    jogging padded puffer crossbody fanny trolley waist carrier
    shaved hairless cropped crash peaked woolly black-rimmed high-heeled heeled flip-flop platform ballet riding
    motor mountain electric mobile cell smart"""
    )
)
ADVERBS = words(
    """also probably likely possibly currently just still clearly always often usually seemingly apparently then now
    not simply only actually slightly very really quite rather too both all either perhaps maybe again too"""
)
# After a noun these end its phrase; another noun or adjective would go on with it.
ENDS = words(
    """and or but with in on at that which who whose is are was were has have had of for to from under over by while as
    wearing holding carrying wears carries holds she he they it her his him made worn paired tucked underneath
    beneath along near beside behind standing walking running riding looking appears seems looks"""
)
STOPS = frozenset('.!?;\u3002\uff01\uff1f')
PUNCTUATION = STOPS | frozenset(',:\uff0c\u3001')

# base form: third person singular, participle
VERBS = {
    'wear': ('wears', 'wearing'), 'carry': ('carries', 'carrying'), 'hold': ('holds', 'holding'),
    'walk': ('walks', 'walking'), 'stand': ('stands', 'standing'), 'run': ('runs', 'running'),
    'ride': ('rides', 'riding'), 'go': ('goes', 'going'), 'talk': ('talks', 'talking'), 'sit': ('sits', 'sitting'),
    'jog': ('jogs', 'jogging'), 'push': ('pushes', 'pushing'), 'pull': ('pulls', 'pulling'),
    'stroll': ('strolls', 'strolling'), 'have': ('has', 'having'), 'look': ('looks', 'looking'),
    'smoke': ('smokes', 'smoking'), 'use': ('uses', 'using'), 'appear': ('appears', 'appearing'),
    'seem': ('seems', 'seeming'), 'take': ('takes', 'taking'), 'make': ('makes', 'making'),
    'keep': ('keeps', 'keeping'), 'move': ('moves', 'moving'), 'possess': ('possesses', 'possessing'),
    'lean': ('leans', 'leaning'), 'speak': ('speaks', 'speaking'), 'travel': ('travels', 'traveling'),
    'bring': ('brings', 'bringing'), 'play': ('plays', 'playing'), 'do': ('does', 'doing'), 'own': ('owns', 'owning'),
    'grip': ('grips', 'gripping'), 'put': ('puts', 'putting'), 'wait': ('waits', 'waiting'),
    'pedal': ('pedals', 'pedaling'), 'cycle': ('cycles', 'cycling'), 'step': ('steps', 'stepping'),
    'march': ('marches', 'marching'), 'stride': ('strides', 'striding'), 'wander': ('wanders', 'wandering'),
    'don': ('dons', 'donning'), 'get': ('gets', 'getting'), 'come': ('comes', 'coming'), 'chat': ('chats', 'chatting'),
    'smile': ('smiles', 'smiling'), 'wave': ('waves', 'waving'), 'gaze': ('gazes', 'gazing'),
    'stare': ('stares', 'staring'), 'squat': ('squats', 'squatting'), 'crouch': ('crouches', 'crouching'),
    'bend': ('bends', 'bending'), 'kneel': ('kneels', 'kneeling'), 'stoop': ('stoops', 'stooping'),
    'see': ('sees', 'seeing'), 'include': ('includes', 'including'), 'consist': ('consists', 'consisting'),
}  # fmt: skip
BE = words("is are was were isn't aren't wasn't weren't")
# After a form of "be" these may stand, being adjectives or past participles as well.
AFTER_BE = words('put come lean own run')
MODALS = words(
    """do does did doesn't don't didn't can can't could couldn't will won't would wouldn't shall should shouldn't may
    might must cannot"""
)
# Third persons that are no nouns.
CLEAR_THIRD = words('wears carries has goes is does was')
FINITE = BE | MODALS | {third for third, _ in VERBS.values()} | {'had', 'wore', 'carried', 'have', "it's"}
ARTICLES = frozenset(('a', 'an', 'the'))
POSSESSIVES = words('his her their its my your our')
DETERMINERS = ARTICLES | POSSESSIVES | words('this that these those')
ONE = words('a an this each every another')
MANY = words(
    """these those two three four five six seven eight nine ten several many few various both numerous 2 3 4 5 6"""
)
PREPOSITIONS = words(
    """in on at with of for to from under over by behind beside near around across through against above below beneath
    underneath inside outside into onto along towards toward next between without like than"""
)
RELATIVES = words('who whom whose which that what where when whatever how than as why whether')

NUMBER: dict[str, int] = {
    **dict.fromkeys((*PLURAL_OF, *PERSONS, *MASS, *KIN_MEN, *KIN_WOMEN, 'he', 'she', 'it'), SINGULAR),
    **dict.fromkeys((*PLURAL_OF.values(), *PERSONS.values(), *PAIRS, 'they', 'we'), PLURAL),
}
NOUNS = frozenset(NUMBER) - {'he', 'she', 'it', 'they', 'we'}
PERSON_NOUNS = frozenset((*PERSONS, *PERSONS.values(), *KIN_MEN, *KIN_WOMEN))
VERB_NUMBER: dict[str, int] = {
    **dict.fromkeys((third for third, _ in VERBS.values()), SINGULAR),
    **dict.fromkeys((base for base in VERBS if base not in ('do', 'don', 'own', 'lean', 'put')), PLURAL),
    **dict.fromkeys(('is', 'was', "isn't", "wasn't", "doesn't"), SINGULAR),
    **dict.fromkeys(('are', 'were', "aren't", "weren't", "don't"), PLURAL),
}
PARTICIPLES = frozenset(participle for _, participle in VERBS.values())
# "she heads left", "he shoulders a bag": nouns that are a verb when a pronoun stands before them.
NOUN_OR_VERB = words(
    """tops shoulders hands arms legs knees belts bags boots caps coats dresses suits watches ties pockets masks bikes
    heels books boxes phones buttons stripes heads pockets cups carts"""
)

# One notion, its first word the general one.
THING_CLASSES = (
    ('bag', 'backpack', 'handbag', 'purse', 'rucksack', 'satchel', 'suitcase', 'briefcase', 'bags'),
    ('hat', 'cap', 'beanie', 'helmet'), ('glasses', 'sunglasses', 'spectacles', 'eyeglasses'), ('gloves', 'mittens'),
    ('umbrella',), ('phone', 'cellphone'), ('cigarette',), ('scarf',),
)  # fmt: skip
# Where a thing is worn or held: one body has one of a place.
WORN_AT = {
    **dict.fromkeys(words('shirt t-shirt tshirt tee top blouse polo sweater sweatshirt hoodie pullover jersey'), 'top'),
    **dict.fromkeys(words('jacket coat blazer cardigan parka raincoat overcoat'), 'coat'),
    **dict.fromkeys(words('pants trousers jeans shorts leggings slacks skirt sweatpants khakis capris'), 'legs'),
    **dict.fromkeys(words('dress suit gown uniform jumpsuit tuxedo outfit sundress frock'), 'body'),
    **dict.fromkeys(words('shoes sneakers boots sandals heels slippers loafers'), 'feet'),
    **dict.fromkeys(words('hat cap beanie helmet'), 'head'),
    'hair': 'hair',
}
ACTIONS = {
    **dict.fromkeys(('standing', 'stands'), 'standing'),
    **dict.fromkeys(('walking', 'walks', 'strolling', 'strolls'), 'walking'),
    **dict.fromkeys(('running', 'runs', 'jogging', 'jogs', 'sprinting', 'sprints'), 'running'),
    **dict.fromkeys(('sitting', 'sits'), 'sitting'),
}

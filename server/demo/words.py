"""Words that invented people, places and things are made of. Nobody here exists.

Telephone numbers are of the ranges kept free for drama, e-mail addresses of a reserved domain, and postcodes of an
area that no post office has.
"""

GIRLS = (
    "Aaliyah", "Abigail", "Adaeze", "Aisha", "Alice", "Amelia", "Amina", "Anaïs", "Anika", "Ava", "Beatrice", "Bethan",
    "Bronwen", "Cerys", "Charlotte", "Chloë", "Daisy", "Divya", "Eilidh", "Ella", "Emily", "Esme", "Evie", "Fatima",
    "Florence", "Freya", "Grace", "Hannah", "Harriet", "Hope", "Imogen", "Isla", "Ivy", "Jasmine", "Jessica", "Kinga",
    "Layla", "Lily", "Lowri", "Lucy", "Maisie", "Małgorzata", "Maryam", "Matilda", "Megan", "Mei", "Mia", "Nadia",
    "Niamh", "Nimra", "Olivia", "Phoebe", "Poppy", "Priya", "Renée", "Rosie", "Ruby", "Saoirse", "Scarlett", "Seren",
    "Siân", "Sienna", "Sofia", "Sophie", "Summer", "Tamsin", "Thea", "Violet", "Willow", "Zahra", "Zoë", "Zuzanna",
)  # fmt: skip
BOYS = (
    "Aarav", "Adam", "Aidan", "Alfie", "Ali", "André", "Archie", "Arthur", "Ayaan", "Bashir", "Ben", "Björn", "Caleb",
    "Callum", "Charlie", "Chidi", "Connor", "Daniel", "Dewi", "Dylan", "Edward", "Ellis", "Ethan", "Ewan", "Finlay",
    "Freddie", "George", "Gethin", "Hamza", "Harry", "Harvey", "Henry", "Hugo", "Ibrahim", "Isaac", "Ivan", "Jack",
    "Jakub", "James", "Jayden", "José", "Joshua", "Jude", "Kai", "Kofi", "Leo", "Liam", "Louis", "Lucas", "Łukasz",
    "Mason", "Max", "Mohammed", "Noah", "Oliver", "Oscar", "Owen", "Piotr", "Ravi", "Reuben", "Rhys", "Riley", "Rory",
    "Samuel", "Seán", "Sebastian", "Tariq", "Theo", "Thomas", "Toby", "Tomos", "William", "Yusuf", "Zachary",
)  # fmt: skip
SURNAMES = (
    "Abara", "Adeyemi", "Ahmed", "Akhtar", "Alderson", "Ashcroft", "Bagshaw", "Banerjee", "Barlow", "Beddoes", "Begum",
    "Birtles", "Blackwood", "Bowdler", "Brannigan", "Brockbank", "Chaudhry", "Chen", "Clegg", "Coates", "Cradock",
    "Crowther", "Cruz", "Dąbrowski", "Dalby", "Davies", "De Souza", "Dhillon", "Dixon", "Duxbury", "Eastwood",
    "Eccleston", "Edwards", "Ellwood", "Entwistle", "Evans", "Fairhurst", "Farrow", "Fernández", "Fitzgerald", "Forde",
    "Foxcroft", "Garside", "Gill", "Greenhalgh", "Griffiths", "Hardcastle", "Harrap", "Heywood", "Hodgkiss", "Holroyd",
    "Hussain", "Iqbal", "Ireland", "Jagger", "Jenkins", "Jones", "Kamau", "Kaur", "Kershaw", "Khan", "Kowalczyk",
    "Langstaff", "Lewis", "Li", "Lockwood", "Lomax", "MacLeod", "Mahmood", "Marsden", "McAllister", "Mensah",
    "Midgley", "Morgan", "Müller", "Murphy", "Nkosi", "Nowak", "Nuttall", "O'Brien", "O'Connor", "Ogden", "Okafor",
    "Oldroyd", "Openshaw", "Owusu", "Parfitt", "Patel", "Pickersgill", "Popescu", "Poskitt", "Price", "Pritchard",
    "Radcliffe", "Rahman", "Ramsbottom", "Rashid", "Reddy", "Rees", "Roberts", "Rooney", "Rushworth", "Sanderson",
    "Sharma", "Shufflebottom", "Sikorski", "Silva", "Singh", "Smith", "Smith-Jones", "Spencer", "Stubbs", "Sutcliffe",
    "Tattersall", "Taylor", "Thackray", "Thomas", "Thwaite", "Tomlinson", "Tran", "Turnbull", "Unsworth", "Varghese",
    "Wainwright", "Walmsley", "Whitehead", "Whittaker", "Williams", "Winterbottom", "Wójcik", "Wong", "Wrigglesworth",
    "Yates", "Young",
)  # fmt: skip
STREETS = (
    "Alder Close", "Back Lane", "Beck Side", "Bridge Street", "Canal Road", "Carr Lane", "Chapel Hill", "Church Walk",
    "Coppice Drive", "Croft Avenue", "Curlew Rise", "Dyehouse Lane", "Fell View", "Foundry Street", "Glebe Road",
    "Harrow Way", "Heather Bank", "High Street", "Hollin Grove", "Kiln Lane", "Lark Rise", "Ling Moor Road",
    "Mill Fold", "Moorside Terrace", "Nab Lane", "Oak Tree Court", "Orchard Way", "Packhorse Road", "Plover Close",
    "Quarry Bank", "Railway Terrace", "Ridge Crescent", "Sike Lane", "Springfield", "St. Oswald's Road", "The Green",
    "Tenter Field", "Thorn Avenue", "Vicarage Gardens", "Weavers' Row", "Wharf Street", "Windy Ridge",
)  # fmt: skip
DISTRICTS = ("Upper Larkmoor", "Moorgate", "Beckside", "Kilnhurst End")
TOWN, COUNTY, COUNTRY = "Larkmoor", "West Ridingshire", "England"
HOUSE_NAMES = ("Rose Cottage", "The Old Forge", "Beck House", "Larkmoor Farm", "Curlew Barn")

ETHNICITIES = ("WBRI", "WBRI", "WBRI", "WBRI", "WOTH", "APKN", "AIND", "BAFR", "BCRB", "MWAS", "MWBC", "CHNE", "REFU")
RELIGIONS = ("Christian", "Christian", "Muslim", "Hindu", "Sikh", "Jewish", "Buddhist", "No religion", "No religion")
DIETS = ("Vegetarian", "Halal", "Kosher", "No nuts", "Gluten free", "Vegan", "Lactose free")
LANGUAGES = ("Polish", "Urdu", "Punjabi", "Romanian", "Arabic", "Cantonese", "Portuguese", "Ukrainian")
RELATIONSHIPS = {"mother": "Mother", "father": "Father", "step": "Step-parent", "grand": "Grandparent"}

PRIMARY_SUBJECTS = (
    ("En", "English"), ("Ma", "Mathematics"), ("Sc", "Science"), ("Hu", "Humanities"), ("Ar", "Art and Design"),
    ("Pe", "Physical Education"),
)  # fmt: skip
SECONDARY_SUBJECTS = (
    ("En", "English"), ("Ma", "Mathematics"), ("Sc", "Science"), ("Gg", "Geography"), ("Hi", "History"),
    ("Fr", "French"), ("Co", "Computing"), ("Dt", "Design and Technology"), ("Mu", "Music"),
    ("Pe", "Physical Education"), ("Re", "Religious Studies"),
)  # fmt: skip
HOUSES = ("Curlew", "Lapwing", "Plover", "Skylark")
USER_DEFINED_GROUPS = (
    ("SEN", "SEN support", "Pupils on the SEN register"), ("YC", "Young carers", ""), ("EAL", "English club", ""),
    ("BRK", "Breakfast club places", "Paid for by the school"),
)  # fmt: skip
CLUBS = (("CHO", "Choir"), ("CHS", "Chess"), ("FTB", "Football"))

ROLES = ("Teaching assistant", "School business manager", "Site manager", "Administrator", "Midday supervisor")
BEHAVIOUR_TYPES = ("Disruption", "Late to lesson", "Defiance", "Damage to property", "Fighting", "Bullying")
BEHAVIOUR_ACTIONS = ("Detention", "Restorative meeting", "Verbal warning", "Letter home")
BEHAVIOUR_ROLES = ("Aggressor", "Target", "Witness", "Participant")
LOCATIONS = ("Classroom", "Corridor", "Playground", "Dining hall", "Sports hall", "Bus")
CONDITIONS = (
    ("Asthma", "Keeps an inhaler in the school office"), ("Epilepsy", "See the care plan"), ("Coeliac disease", ""),
    ("Type 1 diabetes", "Tests before lunch"), ("Nut allergy", "Two adrenaline pens in the medical room"),
    ("Hay fever", ""), ("Migraine", ""),
)  # fmt: skip
EVENTS = (
    ("Autumn term", "2025-09-03", "2025-12-19"), ("Autumn half term", "2025-10-27", "2025-10-31"),
    ("Open evening", "2025-10-09", None), ("Harvest concert", "2025-10-16", "2025-10-16"),
    ("Parents' evening", "2025-11-20", "2025-11-20"), ("Carol service", "2025-12-17", "2025-12-17"),
    ("Spring term", "2026-01-05", "2026-03-27"), ("Spring half term", "2026-02-16", "2026-02-20"),
    ("Book week", "2026-03-02", "2026-03-06"), ("Staff training day", "2026-04-13", None),
    ("Summer term", "2026-04-14", "2026-07-21"), ("Summer half term", "2026-05-25", "2026-05-29"),
    ("Sports day", "2026-07-03", "2026-07-03"),
)  # fmt: skip
CODES = {
    "I": ("Illness", "AUTHORISED_ABSENCE"),
    "M": ("Medical or dental appointment", "AUTHORISED_ABSENCE"),
    "C": ("Leave of absence: exceptional circumstances", "AUTHORISED_ABSENCE"),
    "G": ("Holiday not authorised by the school", "UNAUTHORISED_ABSENCE"),
    "O": ("Absent in other circumstances", "UNAUTHORISED_ABSENCE"),
    "L": ("Late before the register closed", "PRESENT"),
    "U": ("Late after the register closed", "UNAUTHORISED_ABSENCE"),
}

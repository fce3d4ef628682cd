//! The lists of the named ImageNet subsets, as published: the six of MTT's configuration and the sixteen of Comp-DD
//! (EDF, appendix D.1). Facts, not text: index of the class among ImageNet-1K's in the order of wnids, wnid, name.

/// One published list, in the order of its labels.
pub(super) struct Published {
    pub(super) name: &'static str,
    pub(super) classes: [(u16, &'static str, &'static str); 10],
}

#[rustfmt::skip]
pub(super) static PUBLISHED: [Published; 22] = [
    Published { name: "imagenette", classes: [
        (0, "n01440764", "tench"), (217, "n02102040", "English_springer"),
        (482, "n02979186", "cassette_player"), (491, "n03000684", "chain_saw"),
        (497, "n03028079", "church"), (566, "n03394916", "French_horn"),
        (569, "n03417042", "garbage_truck"), (571, "n03425413", "gas_pump"),
        (574, "n03445777", "golf_ball"), (701, "n03888257", "parachute"),
    ] },
    Published { name: "imagewoof", classes: [
        (193, "n02096294", "Australian_terrier"), (182, "n02093754", "Border_terrier"),
        (258, "n02111889", "Samoyed"), (162, "n02088364", "beagle"),
        (155, "n02086240", "Shih-Tzu"), (167, "n02089973", "English_foxhound"),
        (159, "n02087394", "Rhodesian_ridgeback"), (273, "n02115641", "dingo"),
        (207, "n02099601", "golden_retriever"), (229, "n02105641", "Old_English_sheepdog"),
    ] },
    Published { name: "imagemeow", classes: [
        (281, "n02123045", "tabby"), (282, "n02123159", "tiger_cat"),
        (283, "n02123394", "Persian_cat"), (284, "n02123597", "Siamese_cat"),
        (285, "n02124075", "Egyptian_cat"), (291, "n02129165", "lion"),
        (292, "n02129604", "tiger"), (290, "n02128925", "jaguar"),
        (289, "n02128757", "snow_leopard"), (287, "n02127052", "lynx"),
    ] },
    Published { name: "imagesquawk", classes: [
        (84, "n01806143", "peacock"), (130, "n02007558", "flamingo"),
        (88, "n01818515", "macaw"), (144, "n02051845", "pelican"),
        (145, "n02056570", "king_penguin"), (22, "n01614925", "bald_eagle"),
        (96, "n01843383", "toucan"), (9, "n01518878", "ostrich"),
        (100, "n01860187", "black_swan"), (89, "n01819313", "sulphur-crested_cockatoo"),
    ] },
    Published { name: "imagefruit", classes: [
        (953, "n07753275", "pineapple"), (954, "n07753592", "banana"),
        (949, "n07745940", "strawberry"), (950, "n07747607", "orange"),
        (951, "n07749582", "lemon"), (957, "n07768694", "pomegranate"),
        (952, "n07753113", "fig"), (945, "n07720875", "bell_pepper"),
        (943, "n07718472", "cucumber"), (948, "n07742313", "Granny_Smith"),
    ] },
    Published { name: "imageyellow", classes: [
        (309, "n02206856", "bee"), (986, "n12057211", "yellow_lady's_slipper"),
        (954, "n07753592", "banana"), (951, "n07749582", "lemon"),
        (987, "n12144580", "corn"), (779, "n04146614", "school_bus"),
        (599, "n03530642", "honeycomb"), (291, "n02129165", "lion"),
        (72, "n01773157", "black_and_gold_garden_spider"), (11, "n01531178", "goldfinch"),
    ] },
    Published { name: "comp-dd/bird-hard", classes: [
        (14, "n01537544", "indigo_bunting"), (19, "n01592084", "chickadee"),
        (91, "n01824575", "coucal"), (15, "n01558993", "robin"),
        (13, "n01534433", "junco"), (95, "n01843065", "jacamar"),
        (10, "n01530575", "brambling"), (16, "n01560419", "bulbul"),
        (20, "n01601694", "water_ouzel"), (12, "n01532829", "house_finch"),
    ] },
    Published { name: "comp-dd/bird-easy", classes: [
        (130, "n02007558", "flamingo"), (140, "n02027492", "red-backed_sandpiper"),
        (83, "n01798484", "prairie_chicken"), (142, "n02033041", "dowitcher"),
        (134, "n02012849", "crane"), (139, "n02025239", "ruddy_turnstone"),
        (88, "n01818515", "macaw"), (90, "n01820546", "lorikeet"),
        (144, "n02051845", "pelican"), (21, "n01608432", "kite"),
    ] },
    Published { name: "comp-dd/car-hard", classes: [
        (802, "n04252077", "snowmobile"), (660, "n03776460", "mobile_home"),
        (829, "n04335435", "streetcar"), (627, "n03670208", "limousine"),
        (609, "n03594945", "jeep"), (575, "n03445924", "golfcart"),
        (573, "n03444034", "go-kart"), (867, "n04467665", "trailer_truck"),
        (734, "n03977966", "police_van"), (408, "n02704792", "amphibian"),
    ] },
    Published { name: "comp-dd/car-easy", classes: [
        (581, "n03459775", "grille"), (535, "n03208938", "disk_brake"),
        (717, "n03930630", "pickup"), (817, "n04285008", "sports_car"),
        (511, "n03100240", "convertible"), (436, "n02814533", "beach_wagon"),
        (656, "n03770679", "minivan"), (757, "n04065272", "recreational_vehicle"),
        (661, "n03777568", "Model_T"), (751, "n04037443", "racer"),
    ] },
    Published { name: "comp-dd/dog-hard", classes: [
        (239, "n02107683", "Bernese_mountain_dog"), (238, "n02107574", "Greater_Swiss_Mountain_dog"),
        (247, "n02109525", "Saint_Bernard"), (195, "n02096585", "Boston_bull"),
        (151, "n02085620", "Chihuahua"), (266, "n02113712", "miniature_poodle"),
        (157, "n02086910", "papillon"), (181, "n02093647", "Bedlington_terrier"),
        (154, "n02086079", "Pekinese"), (217, "n02102040", "English_springer"),
    ] },
    Published { name: "comp-dd/dog-easy", classes: [
        (193, "n02096294", "Australian_terrier"), (180, "n02093428", "American_Staffordshire_terrier"),
        (227, "n02105412", "kelpie"), (167, "n02089973", "English_foxhound"),
        (246, "n02109047", "Great_Dane"), (248, "n02109961", "Eskimo_dog"),
        (224, "n02105056", "groenendael"), (177, "n02092002", "Scottish_deerhound"),
        (269, "n02114367", "timber_wolf"), (252, "n02110627", "affenpinscher"),
    ] },
    Published { name: "comp-dd/fish-hard", classes: [
        (0, "n01440764", "tench"), (391, "n02536864", "coho"),
        (389, "n02514041", "barracouta"), (395, "n02641379", "gar"),
        (4, "n01494475", "hammerhead"), (396, "n02643566", "lionfish"),
        (2, "n01484850", "great_white_shark"), (394, "n02640242", "sturgeon"),
        (50, "n01698640", "American_alligator"), (103, "n01873310", "platypus"),
    ] },
    Published { name: "comp-dd/fish-easy", classes: [
        (5, "n01496331", "electric_ray"), (1, "n01443537", "goldfish"),
        (6, "n01498041", "stingray"), (397, "n02655020", "puffer"),
        (390, "n02526121", "eel"), (3, "n01491361", "tiger_shark"),
        (392, "n02606052", "rock_beauty"), (393, "n02607072", "anemone_fish"),
        (148, "n02071294", "killer_whale"), (147, "n02066245", "grey_whale"),
    ] },
    Published { name: "comp-dd/snake-hard", classes: [
        (46, "n01693334", "green_lizard"), (42, "n01687978", "agama"),
        (41, "n01685808", "whiptail"), (40, "n01682714", "American_chameleon"),
        (43, "n01688243", "frilled_lizard"), (58, "n01737021", "water_snake"),
        (65, "n01751748", "sea_snake"), (59, "n01739381", "vine_snake"),
        (53, "n01728920", "ringneck_snake"), (52, "n01728572", "thunder_snake"),
    ] },
    Published { name: "comp-dd/snake-easy", classes: [
        (64, "n01749939", "green_mamba"), (57, "n01735189", "garter_snake"),
        (55, "n01729977", "green_snake"), (56, "n01734418", "king_snake"),
        (61, "n01742172", "boa_constrictor"), (62, "n01744401", "rock_python"),
        (68, "n01756291", "sidewinder"), (67, "n01755581", "diamondback"),
        (54, "n01729322", "hognose_snake"), (60, "n01740131", "night_snake"),
    ] },
    Published { name: "comp-dd/insect-hard", classes: [
        (301, "n02165456", "ladybug"), (326, "n02281787", "lycaenid"),
        (324, "n02280649", "cabbage_butterfly"), (305, "n02172182", "dung_beetle"),
        (325, "n02281406", "sulphur_butterfly"), (300, "n02165105", "tiger_beetle"),
        (318, "n02264363", "lacewing"), (320, "n02268853", "damselfly"),
        (70, "n01770081", "harvestman"), (322, "n02277742", "ringlet"),
    ] },
    Published { name: "comp-dd/insect-easy", classes: [
        (323, "n02279972", "monarch"), (314, "n02233338", "cockroach"),
        (310, "n02219486", "ant"), (309, "n02206856", "bee"),
        (306, "n02174001", "rhinoceros_beetle"), (308, "n02190166", "fly"),
        (302, "n02167151", "ground_beetle"), (313, "n02231487", "walking_stick"),
        (303, "n02168699", "long-horned_beetle"), (315, "n02236044", "mantis"),
    ] },
    Published { name: "comp-dd/round-hard", classes: [
        (852, "n04409515", "tennis_ball"), (805, "n04254680", "soccer_ball"),
        (736, "n03982430", "pool_table"), (892, "n04548280", "wall_clock"),
        (429, "n02799071", "baseball"), (574, "n03445777", "golf_ball"),
        (722, "n03942813", "ping-pong_ball"), (522, "n03134739", "croquet_ball"),
        (752, "n04039381", "racket"), (971, "n09229709", "bubble"),
    ] },
    Published { name: "comp-dd/round-easy", classes: [
        (417, "n02782093", "balloon"), (560, "n03379051", "football_helmet"),
        (953, "n07753275", "pineapple"), (826, "n04328186", "stopwatch"),
        (426, "n02794156", "barometer"), (981, "n09835506", "ballplayer"),
        (430, "n02802426", "basketball"), (890, "n04540053", "volleyball"),
        (746, "n04019541", "puck"), (768, "n04118538", "rugby_ball"),
    ] },
    // n02787622 (banjo) is there twice, in the paper and in the released code.
    Published { name: "comp-dd/music-hard", classes: [
        (420, "n02787622", "banjo"), (594, "n03495258", "harp"),
        (420, "n02787622", "banjo"), (579, "n03452741", "grand_piano"),
        (402, "n02676566", "acoustic_guitar"), (776, "n04141076", "sax"),
        (486, "n02992211", "cello"), (401, "n02672831", "accordion"),
        (546, "n03272010", "electric_guitar"), (558, "n03372029", "flute"),
    ] },
    Published { name: "comp-dd/music-easy", classes: [
        (542, "n03250847", "drumstick"), (687, "n03854065", "organ"),
        (494, "n03017168", "chime"), (566, "n03394916", "French_horn"),
        (642, "n03721384", "marimba"), (513, "n03110669", "cornet"),
        (875, "n04487394", "trombone"), (683, "n03838899", "oboe"),
        (889, "n04536866", "violin"), (881, "n04515003", "upright"),
    ] },
];

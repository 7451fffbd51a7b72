/**
 * What people say to show that they listen, by language. A list is one text, its phrases divided by `|`, written as
 * `foldText` leaves them: lower case, without accents, punctuation and apostrophes.
 *
 * A phrase belongs here when somebody who says it, and nothing else, means "go on". Left out on purpose: words that often
 * begin a turn (`well`, `so`, `but`), that refuse (`no`), that accept an offer (`gerne`, `yes please`), or that close
 * (`thanks`).
 *
 * @module
 */

/** Phrases with a meaning, by primary language subtag. */
export const SIGNALS: Readonly<Record<string, string>> = {
  en:
    "yeah|yes|yep|yup|yea|yah|ya|okay|ok|okey|okey dokey|kay|right|all right|alright|alrighty|righto|sure|sure thing|" +
    "for sure|of course|certainly|surely|absolutely|definitely|exactly|precisely|totally|indeed|correct|true|thats true|" +
    "thats right|thats correct|so true|very true|too true|got it|gotcha|got you|got that|i got it|i got you|i got that|" +
    "i see|i hear you|i know|i know right|i understand|understood|i get it|i get that|i get you|i see what you mean|" +
    "i know what you mean|makes sense|that makes sense|that makes a lot of sense|fair|fair enough|fair point|good|" +
    "very good|good point|good idea|good to know|great|thats great|thats good|thats nice|thats awesome|thats amazing|" +
    "thats cool|thats fine|thats interesting|thats wonderful|thats fantastic|thats funny|thats crazy|thats lovely|cool|" +
    "nice|very nice|so nice|lovely|awesome|amazing|wonderful|fantastic|excellent|perfect|brilliant|splendid|wow|whoa|woah|" +
    "gosh|my gosh|my god|my goodness|goodness|oh my|oh dear|oh man|oh boy|jeez|geez|interesting|very interesting|" +
    "how interesting|how nice|how lovely|fine|very well|no problem|no worries|not bad|go on|go ahead|carry on|keep going|" +
    "please continue|please go on|please go ahead|continue|im listening|im with you|im following|sounds good|" +
    "sounds great|sounds right|sounds fine|that sounds good|that sounds great|you bet|you know|really|no kidding|noted|" +
    "copy that|roger|roger that|agreed|i agree|same here|me too|good good|obviously|naturally|clearly|impressive|youre right|i bet|mmkay|mkay|thats good to hear|good to hear|thats what i thought|i thought so|i figured|" +
    "glad to hear it|glad to hear that",
  de:
    "ja|jo|jep|jup|joa|jawohl|jawoll|jaja|jaa|genau|ganz genau|eben|richtig|ganz richtig|stimmt|das stimmt|stimmt genau|" +
    "klar|na klar|alles klar|ist klar|schon klar|sicher|ganz sicher|bestimmt|naturlich|selbstverstandlich|absolut|" +
    "auf jeden fall|definitiv|okay|ok|okey|oki|gut|sehr gut|na gut|ganz gut|schon gut|schon|sehr schon|wie schon|das ist gut|" +
    "das ist schon|das ist toll|super|toll|prima|klasse|cool|perfekt|wunderbar|spitze|fein|freut mich|verstehe|" +
    "ich verstehe|verstanden|ich habe verstanden|habe verstanden|hab verstanden|habs verstanden|ach so|achso|ach|ach ja|" +
    "ach was|ach wirklich|ach komm|soso|so so|echt|echt jetzt|wirklich|ehrlich|krass|wow|boah|oha|oje|mensch|mein gott|" +
    "wahnsinn|unglaublich|interessant|sehr interessant|spannend|in ordnung|geht klar|passt|das passt|macht sinn|" +
    "das macht sinn|ergibt sinn|das ergibt sinn|ich weiss|weiss ich|das weiss ich|einverstanden|kein problem|" +
    "macht nichts|weiter|mach weiter|machen sie weiter|erzahl weiter|erzahlen sie weiter|reden sie weiter|" +
    "sprechen sie weiter|fahren sie fort|bitte weiter|ich hore|ich hore zu|nicht schlecht|logisch|gott sei dank|so ist es|" +
    "das glaube ich|glaub ich|ganz meine meinung|sehe ich auch so|gut zu wissen|schon zu horen|du hast recht|sie haben recht",
  fr: "oui|ouais|ouep|ok|okay|daccord|dac|daccord daccord|bien|tres bien|cest bien|cest tres bien|bien sur|" +
    "evidemment|certainement|absolument|exactement|exact|tout a fait|effectivement|en effet|voila|cest ca|cest vrai|vrai|" +
    "vraiment|carrement|clairement|justement|parfait|super|genial|excellent|formidable|magnifique|cool|chouette|nickel|" +
    "impeccable|top|je vois|je comprends|je comprends bien|compris|jai compris|bien compris|cest compris|cest note|note|" +
    "bien note|entendu|bien entendu|ca marche|ca roule|ca me va|pas de probleme|pas de souci|aucun probleme|" +
    "aucun souci|cest bon|ah bon|bah oui|ben oui|mais oui|eh oui|et oui|oh la la|la la|dis donc|mon dieu|wow|waouh|ouah|" +
    "interessant|tres interessant|cest interessant|cest clair|cest sur|logique|cest logique|je sais|je suis daccord|" +
    "continuez|continue|allez y|vas y|je vous ecoute|je tecoute|sans doute|surement|tant mieux|cest super|cest genial|" +
    "cest gentil|ca a du sens|bonne idee|certes|soit|tu metonnes|dingue|incroyable|cest fou|vous avez raison|tu as raison|bon a savoir|cest bon a savoir",
  es: "si|claro|claro que si|claro claro|vale|okay|ok|okey|dale|bueno|bien|muy bien|esta bien|que bien|de acuerdo|" +
    "por supuesto|desde luego|exacto|exactamente|correcto|asi es|eso es|eso|eso mismo|cierto|es cierto|es verdad|verdad|" +
    "tal cual|efectivamente|evidentemente|obvio|obviamente|seguro|por cierto que si|perfecto|genial|excelente|estupendo|" +
    "fantastico|fenomenal|maravilloso|buenisimo|que bueno|que bonito|que interesante|interesante|muy interesante|entiendo|" +
    "te entiendo|le entiendo|lo entiendo|entendido|ya entiendo|ya entendi|entendi|comprendo|comprendido|ya veo|veo|ya|" +
    "ya se|lo se|anda|vaya|guau|wow|dios mio|madre mia|no me digas|no hay problema|sin problema|ningun problema|listo|" +
    "tiene sentido|buena idea|siga|sigue|siga siga|continue|continua|adelante|le escucho|te escucho|hombre|de verdad|" +
    "en serio|sale|orale|andale|chevere|bacano|ah bueno|ah ya|ah si|eso si|estoy de acuerdo|me parece bien|increible|" +
    "que fuerte|ojala|menos mal|totalmente|definitivamente|naturalmente|tiene razon|tienes razon|bueno es saberlo",
  pt: "sim|ta|ta bom|ta bem|ta certo|ta ok|esta bem|esta bom|esta certo|okay|ok|certo|certinho|claro|claro que sim|" +
    "com certeza|certamente|exato|exatamente|isso|isso mesmo|isso ai|e isso|e isso mesmo|e verdade|verdade|de fato|" +
    "correto|bom|muito bom|bem|muito bem|otimo|perfeito|legal|que legal|que bom|beleza|show|massa|bacana|maravilha|" +
    "excelente|entendi|entendo|entendido|compreendo|compreendi|percebo|percebi|ja percebi|estou a ver|pois|pois e|pois sim|" +
    "pois claro|sei|eu sei|ja sei|sem problema|sem problemas|tudo bem|tudo certo|combinado|de acordo|concordo|faz sentido|" +
    "interessante|muito interessante|nossa|caramba|uau|meu deus|serio|jura|continue|continua|pode continuar|prossiga|" +
    "fixe|porreiro|e mesmo|ne|ah e|e|absolutamente|definitivamente|sem duvida|realmente|evidente|obvio|boa|boa ideia|" +
    "que interessante|incrivel|impressionante|ainda bem|estou ouvindo|estou a ouvir",
  zh:
    "好|好的|好好|好啊|好吧|好嘞|好呀|好滴|好哒|行|行啊|行吧|对|对啊|对呀|对的|对吧|是|是的|是啊|是呀|是这样|这样啊|这样|" +
    "这样子|原来如此|原来是这样|明白|明白了|我明白|我明白了|懂|懂了|我懂|我懂了|知道|知道了|我知道|我知道了|了解|了解了|清楚|" +
    "清楚了|收到|没错|不错|很好|非常好|太好了|真好|挺好|挺好的|真棒|太棒了|厉害|真厉害|可以|可以的|可以啊|没问题|没关系|没事|" +
    "当然|当然了|当然可以|确实|确实是|的确|有道理|有意思|真的|真的啊|真是|是吗|天哪|天啊|我的天|哇塞|继续|请继续|你继续|继续说|" +
    "接着说|您说|你说|请说|同意|我同意|理解|我理解|就是|就是啊|也是|肯定|必须的|ok|okay|明白明白|好的好的|對|對啊|沒錯|沒問題|" +
    "這樣啊|原來如此|瞭解|當然|確實|真棒啊|听着呢|我在听",
  ja:
    "はい|はあ|ええ|えええ|うん|なるほど|なるほどね|なるほどですね|そう|そうだ|そうだね|そうですね|そうですか|そうですよね|" +
    "そうですよ|そうです|そうなんだ|そうなの|そうなんですね|そうなんですか|そうか|そっか|そうだよね|そうよね|そうそう|たしかに|" +
    "確かに|確かにね|もちろん|もちろんです|わかりました|分かりました|わかった|分かった|わかります|分かります|わかる|分かる|了解|" +
    "了解です|了解しました|承知しました|承知です|かしこまりました|ですよね|ですね|だよね|だね|よね|ね|いいね|いいですね|いいよ|" +
    "オッケ|オケ|ok|オッケです|問題ない|問題ないです|問題ありません|すごい|すごいね|すごいですね|凄い|さすが|さすがですね|" +
    "すばらしい|素晴らしい|素敵|よかった|よかったです|よかったね|良かった|面白い|おもしろい|面白いですね|本当|本当に|ほんと|" +
    "ほんとに|ほんとうに|まじで|マジで|マジか|まじか|うそ|嘘|その通り|そのとおり|その通りです|続けて|続けてください|どうぞ|" +
    "やっぱり|やはり|ありですね|賛成です|同感です|納得|納得です|聞いてます|聞いています|良いですね|よし",
};

/** Sounds of scripts that write each as a character or a few; those of Latin script follow rules. */
export const CJK_SOUNDS: string =
  "嗯|恩|唔|哦|噢|喔|啊|哎|呀|诶|欸|哈|呵|嘿|嘻|哇|呃|额|ん|うん|ううん|ふん|ふむ|へえ|へ|ほう|ほ|お|おお|" +
  "ああ|あ|あっ|あぁ|えっ|え|えと|えっと|まあ|うわ|わあ|わ|はは|は|ふふ|ふ|あはは|へへ|笑";

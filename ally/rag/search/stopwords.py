"""Words that say nothing about what a text is about; looking them up costs time and finds everything."""

from collections.abc import Iterable

_ENGLISH = """
a about above after again all also am an and any anybody anyone anything are aren as at be because been before being
between both but by can cannot could couldn did didn do does doesn doing don done during each either else ever every few
for from get gets getting give given gives go goes going got had hadn happen happens has hasn have haven having he hello
help her here hers him his how however i if in into is isn it its itself just know let like ll many may maybe me might
mine more most much must my need needs neither no nor not of off often on once only onto or other our ours out over own
please really same say says shall she should shouldn so some somebody someone something such tell than thank thanks that
the their theirs them then there these they this those though thus to too under until unto up upon us very via want
wants was wasn we were weren what whatever when where whether which while who whom whose why will with within without
won would wouldn yes yet you your yours ve
"""
_GERMAN = """
aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bist bitte da damit dann
das dass dazu dem den denen denn der deren des dessen die dies diese diesem diesen dieser dieses doch dort du durch ein
eine einem einen einer eines er es etwas euch euer für gegen gibt hab habe haben hast hat hatte hatten hier ich ihm ihn
ihnen ihr ihre ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder jedes kann kannst kein keine keinem keinen
keiner können könnte man manche mehr mein meine meinem meinen meiner mich mir mit muss müssen nach nicht nichts noch nun
nur ob oder ohne schon sehr sein seine seinem seinen seiner sich sie sind so solche soll sollen sollte sondern um und
uns unser unsere unter vom von vor wann war waren warum was wegen weil welche welchem welchen welcher welches wenn wer
werde werden wessen wie wieder wieso will wir wird wirst wo wofür woher wohin worden wurde wurden zu zum zur zwischen
über
"""
_FRENCH = """
afin ai aie ainsi alors après au aucun aucune aussi autre autres aux avant avec avez avoir avons ce cela celle celles
celui ces cet cette ceux chaque chez comme comment dans de des donc dont du elle elles en encore entre est et eux faire
fait faut il ils je la le les leur leurs lui mais me mes moi moins mon même ne ni nos notre nous on ont ou où par parce
pas peu peut peuvent plus plusieurs pour pourquoi quand que quel quelle quelles quels qui quoi sa sans se sera ses si
soit son sont sous suis sur ta te tes toi ton tous tout toute toutes très tu un une vers vos votre vous y à ça été être
"""
_SPANISH = """
al algo alguna algunas algún ante antes aquel aquella así aunque bajo bien cada como con contra cual cuales cualquier
cuando cuándo cuál cuáles cómo de del desde donde dos durante dónde e el ella ellas ellos en entre era es esa esas ese
eso esos esta estas este esto estos está están fue fueron ha hace hacer han hasta hay la las le les lo los me mi mis muy
más nada ni no nos nosotros nuestra nuestro o os otra otras otro otros para pero poco por porque puede pueden puedo que
quien quién qué se sea ser si sido sin sobre solo son su sus sí sólo también tan te tengo tiene tienen todo todos tu tus
un una unas uno unos y ya yo él
"""
_ITALIAN = """
ad agli ai al alla alle allo anche che chi ci coi col come con cosa cui da dagli dai dal dalla dalle dei degli del della
delle dello di dove e ed fra gli ha hanno ho i il in io la le lei lo loro lui ma mi mia mio ne negli nei nel nella nelle
nello noi non o per perché più posso può quale quali quando quanto quella quelle quelli quello questa queste questi
questo qui se sei si sia siamo sono su sua sugli sui sul sulla sulle suo ti tra tu un una uno voi è
"""
_PORTUGUESE = """
ao aos as até com como da das de dela dele do dos e ela elas ele eles em entre era essa esse esta está este eu foi há
isso isto já lhe mais mas me meu minha muito na nas nem no nos nosso num numa não nós o os ou para pela pelas pelo pelos
pode podem por porque posso qual quais quando que quem se sem ser seu sua são só também tem ter teu tu tua um uma você
vocês à às é
"""
_DUTCH = """
aan al alles als andere ben bij dan dat de deze die dit doe doen door een en er geen gaat haar had heb hebben heeft hem
het hier hij hoe hun iets ik in is ja je jij jou kan kun kunnen maar me meer men met mij mijn moet na naar niet niets
nog nu of om omdat ons onze ook op over te toch toen tot u uit van veel voor waar waarom wanneer want waren was wat we
wel welk welke werd wie wij wil worden wordt zal ze zich zij zijn zo zonder zou
"""

_LANGUAGES = [
    frozenset(words.split()) for words in (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN, _PORTUGUESE, _DUTCH)
]
"""Lower case, English first."""


def stopwords(words: Iterable[str]) -> frozenset[str]:
    """The stop words of the language that `words` (lower case) are in, English where nothing says otherwise.

    Only one language's: `die`, `war`, `son` and `las` mean something in another.
    """
    held = set(words)
    return max(_LANGUAGES, key=lambda language: len(held & language))

"""What is known of English: which words make a term, and the patterns in which a sentence defines one."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP: Final = _words(
    """a about above after again against all also although always am among an and another any anybody anything are as
    at be because been before being below besides between both but by can cannot could did do does doing done down
    during each either else enough etc even ever every everything few first for from further get gets give given go
    goes had has have having he her here hers him his how however i if in inside instead into is it its itself just
    last later least less let like made make makes many may me means might more most much must my namely neither never
    next no nobody none nor not nothing now of off often on once one only or other others otherwise our ours out over
    own per quite rather really same second see several shall she should since so some something soon still such take
    than that the their theirs them then there therefore these they thing things this those though three through thus
    to together too two under unless until up upon us use used uses using usually very via was we well were what
    whatever when where whether which while who whole whom whose why will with within without would yes yet you your
    yours ones none's it's don't doesn't isn't aren't can't won't"""
)
# Words that stand alone in every text and name nothing in particular.
_GENERIC: Final = _words(
    """added answer answers appendix approach background bug bugs case caution changed changelog check code comment
    conclusion consequence contents contributing danger default defaults deprecated description detail details
    difference documentation end error example examples exception fact facts faq feature features figure figures file
    files fixed following form further getting goal goals hint idea important info information installation
    introduction item kind license limit limits line lines list lists main meaning method misc model name names
    note notes number numbers object objective option options output overview page parameter part parts people place
    please point points prerequisites problem problems purpose question reason reasons reference references removed
    requirement requirements result results return returns rule rules section security setup side solution start
    state step-by-step summary table target text thing tip title todo total tutorial type types usage user users
    value values version versions warning way ways word words work yes fast simple easy simpler faster flexible robust
    secure safe small lightweight portable reliable scalable powerful modern first-class date time day year argument
    bugfix custom enhancement experimental limitation named new optional performance property recommended required
    update"""
)
# A heading or a label that begins so is an instruction or a sentence, no term.
_VERBS: Final = _words(
    """add ask avoid build call change check choose clone compare configure contact contribute copy create debug define
    delete deploy describe disable download edit enable ensure find fix follow generate help implement import improve
    inspect install keep know learn list look manage migrate move open pass pick prefer prepare print provide publish
    put read remove rename replace report return returns run running send set setting show start starting stop support
    switch test tell try turn understand understanding update upgrade verify wait want watch work working write writing
    added adding making creating getting handling raise raises read reads writes sets gets wants needs need knows
    decide decides starts ends stops waits bind serve refuse register subclass treat minimize maximize specify
    apply place limit reduce increase allow allows prevent prevents enables ensures provides supports contains wraps"""
)
_ADJECTIVE_END: Final = re.compile(
    r"(?<!^fami)(?<!^rep)(?<!^supp)(?<!^assemb)(?<!^anoma)ly$|(?<!^vari)(?<!^t)(?<!^c)able$|(?:ible|ful|less|ous)$"
)
# Which one of several things, not what it is: an optional field, the third argument, five minutes.
_COUNTED: Final = _words(
    """one two three four five six seven eight nine ten eleven twelve dozen hundred thousand zero third fourth fifth
    optional required default returned given"""
)
# What a page shows or a program was given: the tree shown, the value returned.
_POINTED_AT: Final = _words(
    "shown given returned displayed listed described mentioned provided passed used above below"
)
_SHARE: Final = 0.2
_WORD: Final = r"(?:[A-Za-z_][\w.+#'’/-]*[\w+#]|[A-Za-z])"
WORD: Final = re.compile(_WORD)
_TERM: Final = re.compile(rf"{_WORD}(?: (?:{_WORD}|\d[\w.-]*)){{0,3}}")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][\w-]*(?:[.:][A-Za-z_][\w-]*)*")
_NOISE: Final = re.compile(r"^(?:true|false|null|none|nan|[a-z]{1,2}\d*|e\.g|i\.e)$", re.IGNORECASE)

_ARTICLE: Final = r"(?:(?:[Aa]n?|[Tt]he|[Tt]o)\s+)"
# No passive, no place: what follows "is" must be a noun with its determiner.
IS: Final = re.compile(
    rf"^{_ARTICLE}?(?P<term>[\w`'’./+#-]+(?: [\w`'’./+#-]+){{0,3}}?)(?: \((?P<also>[^()]{{2,40}})\))?,?"
    r" (?:is|are) (?:(?:essentially|basically|simply|in short|just),? )?"
    r"(?P<meaning>(?:an?|the|one|any|every|each|what|where|who|how|when|(?:any|some|every)(?:body|one|thing)|all)\s.+)$",
    re.DOTALL,
)
MEANS: Final = re.compile(
    rf"^{_ARTICLE}?(?P<term>[\w`'’./+#-]+(?: [\w`'’./+#-]+){{0,3}}?) "
    r"(?:means|(?:is|are) defined as|refers? to|denotes|stands for|describes)"
    r" (?P<meaning>(?!that\b|nothing\b|you\b|we\b|it\b).+)$",
    re.DOTALL,
)
NAMED: Final = re.compile(
    r"^(?P<meaning>An? [^.;]{12,160}?),? (?:is|are) (?:called|known as|referred to as)"
    r" (?:an? |the )?[\"“]?(?P<term>[\w'’-]+(?: [\w'’-]+){0,2})[\"”]?[.,;]",
)
# What dictionaries do: the kind of thing, and then what tells it from others of its kind.
_CLASSIFYING: Final = re.compile(
    r"^(?:an?|the|any|one|every)\s(?!(?:one|thing|way|day|time|reason|case|key|sign|test|kind|sort|name|list)\b)"
    r"(?:[\w'’/-]+(?:,?\s|$)){1,6}?"
    r"(?:that|which|who|whose|where|in|with|by|of|for|between|from|at|on|to|used|made|given|needed|added|\w+ing)\b",
    re.IGNORECASE,
)
_QUALIFIERS: Final = _words(
    """new old whole current previous main first good best simple complete entire actual exact real typical resulting
    given returned"""
)
# Another thing that is said of the term, once its kind is named: and is bundled, and also affects.
_NEXT_PREDICATE: Final = re.compile(
    r",?\s(?:and|but)\s(?:[\w-]+\s){0,2}"
    r"(?:is|are|was|were|has|have|had|can|cannot|may|must|should|will|does|do|comes?|needs?|wants?|affects?)\b.*$",
    re.DOTALL,
)
_SUBORDINATE: Final = re.compile(
    r"\b(?:that|which|who|whose|whom|where|what|when|whether|how|after|before|while|until|if|unless|because|as|than"
    r"|this|these|you|we|it|they)\b|[;:]",
    re.IGNORECASE,
)
_ASIDE: Final = re.compile(r"\s*\([^()]*\)")
_LATER_VERB: Final = re.compile(r"(?<!\bthat)(?<!\bwhich)(?<!\bwho)\s(?:was|were)\b", re.IGNORECASE)
_FINITE: Final = re.compile(
    r"\b(?:is|are|was|were|has|have|had|must|can|could|cannot|will|would|should|may|does|do|did|you|we"
    r"|occurred|happened|failed|encountered|supports|provides|contains|enables|allows|accepts|requires|ensures|includes"
    r"|goes|comes|takes|gives|says|becomes|remains|depends|happens|exists)\b"
    r"|\btimed out\b"
    # A verb with its object: costs each stream, saves a word, received an answer.
    r"|\b(?!(?:called|named|given|less|plus|across|versus|minus)\b)\w+(?:[^s\W]s|ed)"
    r" (?:an?|the|each|every|its|their|no|any)\b",
    re.IGNORECASE,
)
# A clause that defines something else.
_NEXT_CLAUSE: Final = re.compile(r",? and (?=(?:an?|the) [\w-]+(?: [\w-]+)? (?:is|are) (?:an?|the|one|what)\s)")
_EMPTY_MEANING: Final = re.compile(
    r"^(?:(?:an?|the|one)\s+)?(?:same|only|first|last|best|worst|next|other|most|more|reason|result|good|bad|great|nice|better|"
    r"what|where|who|how|when|"
    r"lot|few|bit|must|mistake|bug|problem|question|matter|case|common|example|way forward|following|fault|"
    r"difference|difficult|work in progress|no-op|single source|important)\b"
    r"|^(?:the )?one of\b|^the one (?:that|who|which|to|of|on|in|at)\b|^an? subclass\b|^the [\w-]+(?: [\w-]+)?[.:]?$"
    r"|\bof (?:our|its) own(?:[.,]|$)"
    r"|\b(?:as well|too|again|instead|as soon as|as long as)\b",
    re.IGNORECASE,
)


def is_term(text: str) -> bool:
    """Whether `text` can be a term: one to four words, none of them without meaning, not an instruction."""
    return is_phrase(text) and (" " not in text or text.split()[0].lower() not in _VERBS)


def is_phrase(text: str) -> bool:
    """As `is_term`, but it may begin like an instruction: an open cluster is a thing, where it is defined."""
    words = text.split()
    lowered = [word.lower() for word in words]
    if not _TERM.fullmatch(text) or not 2 <= len(text) <= 48 or _NOISE.match(text):
        return False
    inner = [word for word in lowered if word not in {"of", "to", "for", "per"}] if len(words) > 2 else lowered
    if any(word in _STOP for word in inner) or lowered[0] in _STOP or lowered[-1] in _STOP:
        return False
    if len(words) == 1:
        return not is_generic(text) and not _ADJECTIVE_END.search(lowered[0])
    if lowered[0] in _COUNTED or lowered[-1] in _POINTED_AT:
        return False
    return not all(word in _GENERIC for word in lowered)


def is_order(text: str) -> bool:
    """Whether a sentence begins like an instruction."""
    words = text.split(maxsplit=1)
    return bool(words) and words[0].lower() in _VERBS


def is_identifier(text: str) -> bool:
    """Whether a code span names something: `RunManager`, `solorun.toml`, `SOLORUN_RUN_ID`."""
    return (
        bool(_IDENTIFIER.fullmatch(text))
        and text[-1] not in "_-"
        and text.lower() not in _STOP
        and 3 <= len(text) <= 40
        and not _NOISE.match(text)
    )


def is_generic(term: str) -> bool:
    return term.lower() in _GENERIC or singular(term.lower()) in _GENERIC


def is_name(text: str) -> bool:
    """Whether a word is written as no ordinary word is: `SOLORUN_RUN_ID`, `RunManager`."""
    return any(character.isupper() or character == "_" for character in text[1:])


def find_definition(sentence: str) -> re.Match[str] | None:
    """The `term` and its `meaning`, in a sentence that says what something is."""
    return IS.match(sentence) or MEANS.match(sentence)


def clauses(sentence: str) -> list[str]:
    """The parts of a sentence that each define something; the whole, when the first one defines nothing.

    After "when" or "if" the others are conditions.
    """
    parts = _NEXT_CLAUSE.split(sentence)
    return parts if find_definition(parts[0]) else [sentence]


def has_meaning(meaning: str) -> bool:
    """Whether what follows "is" says what a thing is, and not how it is judged or when."""
    return not _EMPTY_MEANING.search(meaning)


def classifies(meaning: str) -> bool:
    """Whether a meaning names a kind and its mark: a vessel in which …, the amount of …."""
    return has_meaning(meaning) and _CLASSIFYING.match(meaning) is not None


def is_statement(text: str) -> bool:
    """Whether a text says that something happens, or tells the reader to do it, instead of naming a thing."""
    main = _SUBORDINATE.split(_ASIDE.sub("", text), maxsplit=1)[0]
    return is_order(text) or _FINITE.search(main) is not None


def is_report(text: str) -> bool:
    """Whether a text tells what happened: a string that nobody expected was received."""
    return is_statement(text) or _LATER_VERB.search(_ASIDE.sub("", text)) is not None


def kind_alone(meaning: str) -> str:
    """A meaning without what is said of the term besides: a tool, and comes with the shell."""
    main = _SUBORDINATE.split(meaning, maxsplit=1)[0]
    further = _NEXT_PREDICATE.search(meaning)
    return meaning[: further.start()] if further and further.start() < len(main) else meaning


def is_plain_name(term: str) -> bool:
    """Whether a term is short, and no thing of its kind among others: a new server, the run's id."""
    words = term.lower().split()
    return len(words) <= 3 and words[0] not in _QUALIFIERS and not re.search(r"['’]s?\b", term)


def is_key(name: str) -> bool:
    """Whether a name in code is a setting, a command or an argument, unlike `RunManager` or `solorun.toml`."""
    return re.fullmatch(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*|[A-Z][A-Z0-9_]*|[a-z]+[A-Z]\w*", name) is not None


def is_field(name: str) -> bool:
    """Whether a name alone tells that it is a setting or a member of a value: `hasScript`, `opts.alias`."""
    return re.fullmatch(r"(?:opts?|options|config|params|args|settings|props)\..+|[a-z]+[A-Z]\w*", name) is not None


def phrases(sentence: str) -> Iterator[str]:
    """Noun-like runs of two or three words without stop words, and the single words."""
    for clause in re.split(r"[^\w\s'’./+#-]+|\s-+\s|[.](?=\s|$)", sentence):
        words = clause.split()
        for begin in range(len(words)):
            for length in (1, 2, 3):
                phrase = words[begin : begin + length]
                if len(phrase) == length and all(WORD.fullmatch(word) and word.lower() not in _STOP for word in phrase):
                    yield " ".join(phrase)


def is_noun_like(phrase: str) -> bool:
    """Whether a frequent phrase of several words is likely a name: no verb, no adverb at its edges."""
    words = phrase.lower().split()
    return (
        len(words) > 1
        and not re.search(r"['’]s?\b", phrase)
        and not any(word in _VERBS or _ADJECTIVE_END.search(word) for word in (words[0], words[-1]))
    )


def usual_form(term: str, forms: Counter[str]) -> str:
    """How the documents write a term inside sentences; a capital that only headings give it is dropped."""
    if forms:
        # A name is written small in commands and file names, any word in capitals for an argument; a common word is not
        # written large inside sentences.
        usual = [form for form in forms if not form.isupper() and forms[form] >= _SHARE * forms.total()]
        large = [form for form in usual if form[0].isupper() and forms[form] > 1]
        return min(large or usual or forms, key=lambda form: (-forms[form], form))
    words = term.split()
    ordinary = all(word[1:] == word[1:].lower() and word.isalpha() for word in words)
    return " ".join(words).lower() if ordinary and words[0][:1].isupper() else term


def singular(word: str) -> str:
    """A plain guess, good enough to see that two terms are the same."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def content_words(text: str) -> list[str]:
    return [singular(word.lower()) for word in WORD.findall(text) if word.lower() not in _STOP]

"""What is known of Japanese: which runs of characters make a term, and the patterns in which a sentence defines one."""

import re
from collections.abc import Iterator
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KATAKANA: Final = r"ァ-ヺー"
_KANJI: Final = r"々一-鿿"
JAPANESE: Final = re.compile(rf"[ぁ-ゖ{_KATAKANA}{_KANJI}]")
KANA: Final = re.compile(rf"[ぁ-ゖ{_KATAKANA}]")
_COMPOUND: Final = re.compile(rf"[A-Za-z0-9+]*[{_KATAKANA}{_KANJI}・][A-Za-z0-9{_KATAKANA}{_KANJI}・]*")
LATIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9.+-]*[A-Za-z0-9](?: [A-Z][A-Za-z0-9-]+)*")
_TERM: Final = re.compile(
    rf"[A-Za-z0-9+{_KATAKANA}{_KANJI}・ -]+(?:の[{_KATAKANA}{_KANJI}]+)?|[ぁ-ゖ]{{2,6}}[{_KANJI}]+"
)

_GENERIC: Final = _words(
    """場合 必要 使用 以下 以上 可能 自分 今日 方法 一般 最初 最後 時間 重要 注意 例 次 前 後 上 下 中 内 外 間
    時 日 年 月 本 人 物 事 点 数 今回 今後 以前 以降 以外 同様 同時 結果 目的 理由 意味 説明 概要 手順 準備
    対象 全体 部分 一部 一方 他方 各自 自身 現在 程度 問題 変更 追加 削除 確認 利用 実行 作成 設定 表示 開始
    終了 記録 状態 種類 名前 情報 内容 場所 文書 参考 はじめに まとめ 用語 定義 備考 例外 原因 効果 特徴
    ポイント メモ タイプ ケース サンプル ページ 最大 最小 十分 簡単 大切 普通 通常 特別 代表 基本 仕組 最低
    次第 夜 朝 空 目 手"""
)
_AFFIX: Final = re.compile(
    r"(?:的|等|毎|以上|以下|以内|程度|同士|自体|全体|など)$|^(?:各|毎|当該|本|同|約|第|全|何|数)(?=.)"
)
_NUMBER: Final = re.compile(r"[0-9〇一二三四五六七八九十百千万+・ー -]+[年月日時分秒回個倍度等級人本枚つ]*")

_NAME: Final = (
    r"[「『“\"]?(?P<term>[^「」『』、。，\s（）()]{1,24}?(?: [A-Za-z][\w-]*)?)[」』”\"]?"
    r"(?:[（(](?P<also>[^）)]{1,40})[）)])?"
)
_COPULA: Final = (
    r"(?:(?:のこと)?(?:である|であり|です|だ|を(?:いう|いいます|言う|言います|指す|指します|意味する|意味します))"
    r"|を表す|を表します)"
)
TOWA: Final = re.compile(rf"^{_NAME}とは[、，]?\s*(?P<meaning>.+?)[。．]?$", re.DOTALL)
NAMED: Final = re.compile(
    r"^(?P<meaning>.{6,120}?)(?:のこと)?を[、，]?\s*[「『](?P<term>[^「」『』]{1,24})[」』]\s*と(?:いう|いいます|呼ぶ|呼びます|呼ばれる|言う|言います)"
    r"|^(?P<plain_meaning>[^、]{6,120}?)(?:のこと)?を[、，]?(?P<plain_term>[ァ-ヺー々一-鿿A-Za-z]{2,16})と(?:いう|いいます|呼ぶ|呼びます)[。．]"
)
WA: Final = re.compile(
    rf"^{_NAME}\s?は[、，]?\s*(?P<meaning>.{{7,160}}?[{_KATAKANA}{_KANJI}])(?:のこと)?(?:である|です|だ)[。．]?$",
    re.DOTALL,
)
_EMPTY_MEANING: Final = re.compile(
    r"(?:必要|重要|大切|可能|便利|簡単|困難|有名|有効|無効|同様|同じ|様|通|問題|場合|時|方|最適|十分|大変|例|一つ|基本|原因|理由|自由|任意)$"
)
LABEL: Final = re.compile(
    r"^[「『]?(?P<term>[^「」『』：:、。\s]{2,24})[」』]?(?:[（(](?P<also>[^）)]{1,40})[）)])?\s*[：:]\s*(?P<meaning>\S.{5,})$",
    re.DOTALL,
)
_ENDING: Final = re.compile(rf"{_COPULA}?[。．]?$")
_OPENING: Final = re.compile(r"^(?:これ|それ|あれ|この|その|あの|ここ|そこ|どこ|なぜ|どう|私|皆|誰|何|いつ)")


def is_term(text: str) -> bool:
    """Whether `text` can be a term: katakana, kanji or a compound, no number, no word of every text."""
    if not 2 <= len(text) <= 24 or not JAPANESE.search(text) or not _TERM.fullmatch(text):
        return False
    return text not in _GENERIC and not _NUMBER.fullmatch(text) and not _AFFIX.search(text) and not _OPENING.match(text)


def is_japanese(text: str) -> bool:
    return bool(JAPANESE.search(text))


def has_meaning(meaning: str) -> bool:
    """Whether what stands before です says what a thing is, and not how it is judged."""
    return not _EMPTY_MEANING.search(meaning)


def compounds(sentence: str) -> Iterator[str]:
    """Katakana words and kanji compounds, as they stand."""
    for found in _COMPOUND.finditer(sentence):
        word = found.group().strip("・")
        if is_term(word) and not (len(word) == 2 and not KANA.search(word) and word in _GENERIC):
            yield word


def latin_words(sentence: str) -> Iterator[str]:
    """Latin words of a Japanese sentence: there they are names."""
    if KANA.search(sentence):
        for found in LATIN.finditer(sentence):
            yield found.group()


def as_noun(meaning: str) -> str:
    """A meaning as dictionaries write it: without its copula, with a full stop."""
    return _ENDING.sub("", meaning.strip()).rstrip("、， ") + "。"

"""GB 18030 is told from what else its decoder accepts: EUC-KR and EUC-JP text, every byte of which it takes."""

from pathlib import Path

import pytest

from labqa.core.errors import DeliveryError
from labqa.ingest import encodings
from labqa.ingest.readers import read

# article 1 of the Universal Declaration of Human Rights
KOREAN = (
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. "
    "인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다."
)
JAPANESE = (
    "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。"
    "人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。"
)
CHINESE = "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。"
ASCII = "sample,lab,value\n"


def encoding(text: str, code: str) -> str:
    """The encoding in which a csv file is read; `unsure` where it is refused and to be named."""
    try:
        return read(Path("a.csv"), text.encode(code))[0].encoding
    except DeliveryError as error:
        assert "--encoding" in error.message.text("en") and "--encoding" in error.message.text("zh")
        return error.message.key.removeprefix("ingest.encoding_")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("euc-kr", "시료번호,검사기관,항목,결과,단위\nS1,서울시험소,납,12.5,mg/kg\n"),
        ("euc-kr", ASCII + "S1,서울특별시 보건환경연구원,1\nS2,한국식품의약품안전처,2\n"),
        ("cp949", ASCII + f"S1,{KOREAN},1\n"),
        ("euc-jp", "試料番号,検査機関,項目,結果,単位\nS1,東京都健康安全研究センター,鉛,12.5,mg/kg\n"),
        ("euc-jp", ASCII + f"S1,{JAPANESE},1\n"),
        ("gb18030", ASCII + "S1,王芳,1\nS2,郑凯,2\n"),  # names of people alone prove nothing
    ],
)
def test_what_may_be_another_encoding_is_asked_for(code: str, text: str) -> None:
    text.encode(code).decode("gb18030")  # is taken without an error
    assert encoding(text, code) == "unsure"
    assert read(Path("a.csv"), text.encode(code), encoding=code)[0].rows.height >= 1


@pytest.mark.parametrize(
    "text",
    [
        ASCII + f"S1,{CHINESE},1\n",
        ASCII + "S1,绍兴市质量技术监督检测院,1\nS2,晶辉科技有限公司,2\nS3,儋州洋浦蓝鲸酿酒坊,3\n",
        "样品编号,抽样人,结果\nS1,王芳,1\nS2,郑凯,2\nS3,唐莹,3\n",
        "\n样品,产品\nS1,紫砂煲\nS2,火腿肠\nS3,婴幼儿配方奶粉\n",
        "sample,value\nS1,未检出\n",
        "sample,unit\nS1,μg/kg 毫克\n",
        "item,name\nPB,铅\nCD,镉\nAS,总砷\nHG,总汞\nCOD,化学需氧量\nSO2,二氧化硫\n",
    ],
)
def test_chinese_text_is_read_as_gb18030(text: str) -> None:
    assert encoding(text, "gb18030") == "gb18030"


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "cp1252"])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_where_pieces_end_no_character_is_lost(monkeypatch: pytest.MonkeyPatch, size: int, code: str) -> None:
    said = ["é", "12.5"] if code == "cp1252" else [CHINESE, "𠮷"]
    text = f"sample,note\n{said[0]},x\n\n{said[1]},y\n"
    monkeypatch.setattr(encodings, "_PIECE", size)
    (table,) = read(Path("a.csv"), text.encode(code), encoding=code if code == "cp1252" else None)
    assert table.rows.rows() == [(2, said[0], "x"), (4, said[1], "y")]


def test_a_last_character_cut_off_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "_PIECE", 4)
    with pytest.raises(DeliveryError) as caught:
        read(Path("a.csv"), f"sample,note\nS1,x\nS2,{CHINESE}".encode()[:-1])
    assert caught.value.message.key == "ingest.csv_cut" and caught.value.message.values["row"] == 3
    assert caught.value.message.values["value"] == f"S2,{CHINESE[:-1]}"

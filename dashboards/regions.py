"""Regions in English: provinces by their official romanised names (GB/T 2260), and the seven customary parts of the country."""

from __future__ import annotations

from labqa.core.wording.catalogue import Language

PROVINCES = {
    "110000": ("北京", "Beijing"),
    "120000": ("天津", "Tianjin"),
    "130000": ("河北", "Hebei"),
    "140000": ("山西", "Shanxi"),
    "150000": ("内蒙古", "Nei Mongol"),
    "210000": ("辽宁", "Liaoning"),
    "220000": ("吉林", "Jilin"),
    "230000": ("黑龙江", "Heilongjiang"),
    "310000": ("上海", "Shanghai"),
    "320000": ("江苏", "Jiangsu"),
    "330000": ("浙江", "Zhejiang"),
    "340000": ("安徽", "Anhui"),
    "350000": ("福建", "Fujian"),
    "360000": ("江西", "Jiangxi"),
    "370000": ("山东", "Shandong"),
    "410000": ("河南", "Henan"),
    "420000": ("湖北", "Hubei"),
    "430000": ("湖南", "Hunan"),
    "440000": ("广东", "Guangdong"),
    "450000": ("广西", "Guangxi"),
    "460000": ("海南", "Hainan"),
    "500000": ("重庆", "Chongqing"),
    "510000": ("四川", "Sichuan"),
    "520000": ("贵州", "Guizhou"),
    "530000": ("云南", "Yunnan"),
    "540000": ("西藏", "Xizang"),
    "610000": ("陕西", "Shaanxi"),
    "620000": ("甘肃", "Gansu"),
    "630000": ("青海", "Qinghai"),
    "640000": ("宁夏", "Ningxia"),
    "650000": ("新疆", "Xinjiang"),
}
"""Short names of the 31 provincial regions of the mainland by their code of GB/T 2260."""
PARTS = {
    "东北": "Northeast",
    "华北": "North",
    "华东": "East",
    "华中": "Central",
    "华南": "South",
    "西北": "Northwest",
    "西南": "Southwest",
}
_KINDS = ("壮族自治区", "回族自治区", "维吾尔自治区", "自治区", "省", "市")
_ENGLISH = dict(PROVINCES.values()) | PARTS


def region_name(region: str | None, language: Language) -> str | None:
    """A region in the reader's language: a code by its name; in English a known Chinese name; anything else as delivered."""
    if region is None:
        return None
    if region in PROVINCES:
        return PROVINCES[region][language == "en"]
    if language == "zh":
        return region
    short = next((region.removesuffix(kind) for kind in _KINDS if region.endswith(kind)), region)
    return _ENGLISH.get(region) or _ENGLISH.get(short) or region

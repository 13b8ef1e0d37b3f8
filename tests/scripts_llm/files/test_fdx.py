"""Final Draft's XML in: its elements become the scenes that the same screenplay in Fountain has."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.files.fdx_read import MAX_DEPTH, is_fdx, parse_fdx
from scripts_llm.files.fountain_read import parse_fountain
from scripts_llm.files.fountain_write import format_fountain
from scripts_llm.screenplay.premise import Character
from scripts_llm.screenplay.script import Line

CAST = {"joe": Character(name="Joe")}
PATH = Path("x.fdx")
DOCUMENT = """\
<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<FinalDraft DocumentType="Script" Template="No" Version="5">
  <Content>
    <Paragraph Type="New Act"><Text>ACT ONE</Text></Paragraph>
    <Paragraph Type="Action"><Text>FADE IN:</Text></Paragraph>
    <Paragraph Number="A2" Type="Scene Heading">
      <SceneProperties Length="2/8" Page="1" Title="">
        <Summary><Paragraph><Text>A summary.</Text></Paragraph></Summary>
      </SceneProperties>
      <Text Style="Bold+AllCaps">INT. KITCHEN - DAY</Text>
    </Paragraph>
    <Paragraph Type="Action">
      <ScriptNote ID="1"><Paragraph><Text>A note.</Text></Paragraph></ScriptNote>
      <Text>Joe enters, </Text><Text Style="Italic">soaked</Text><Text>. A *star* &amp; a fish.</Text>
      <Text Style="Strikeout"> Struck out.</Text>
    </Paragraph>
    <Paragraph Type="Action"><Text></Text></Paragraph>
    <Paragraph Type="Character"><Text>JOE (V.O.) (CONT'D)</Text></Paragraph>
    <Paragraph Type="Parenthetical"><Text>(dripping)</Text></Paragraph>
    <Paragraph Type="Dialogue"><Text>It's </Text><Text AdornmentStyle="-1">rainning</Text>
      <Text>.</Text></Paragraph>
    <Paragraph Type="Parenthetical"><Text>(beat)</Text></Paragraph>
    <Paragraph Type="Dialogue"><Text>Still
is.</Text></Paragraph>
    <Paragraph>
      <DualDialogue>
        <Paragraph Type="Character"><Text>MARY</Text></Paragraph>
        <Paragraph Type="Dialogue"><Text>Told you.</Text></Paragraph>
        <Paragraph Type="Character"><Text>JOE</Text></Paragraph>
        <Paragraph Type="Dialogue"><Text>You did.</Text></Paragraph>
      </DualDialogue>
    </Paragraph>
    <Paragraph Type="Shot"><Text>CLOSE ON THE KEYS</Text></Paragraph>
    <Paragraph Type="End of Act"><Text>END OF ACT ONE</Text></Paragraph>
    <Paragraph Type="Transition"><Text>SMASH CUT TO:</Text></Paragraph>
    <Paragraph Type="Scene Heading"><Text>Ext. street - night</Text></Paragraph>
    <Paragraph Type="General"><Text>A general remark.</Text></Paragraph>
  </Content>
  <TitlePage>
    <HeaderAndFooter><Header><Paragraph><Text>.</Text></Paragraph></Header></HeaderAndFooter>
    <Content>
      <Paragraph Alignment="Center"><Text></Text></Paragraph>
      <Paragraph Alignment="Center"><Text>The Tragedy of</Text></Paragraph>
      <Paragraph Alignment="Center"><Text>RAIN</Text></Paragraph>
      <Paragraph Alignment="Center"><Text>Written by</Text></Paragraph>
      <Paragraph Alignment="Center"><Text>Jane Writer</Text></Paragraph>
    </Content>
  </TitlePage>
  <ListItems><Paragraph Type="Action"><Text>No action.</Text></Paragraph></ListItems>
</FinalDraft>
"""
FOUNTAIN = """\
Title: The Tragedy of
    RAIN
Credit: Written by
Author: Jane Writer

# Act One

FADE IN:

INT. KITCHEN - DAY #A2#

Joe enters, _soaked_. A \\*star\\* & a fish.

JOE (V.O.)
(dripping)
It's rainning.
(beat)
Still is.

MARY
Told you.

JOE ^
You did.

CLOSE ON THE KEYS

SMASH CUT TO:

Ext. street - night

A general remark.
"""


def _wrap(content: str) -> bytes:
    return f"<FinalDraft><Content>{content}</Content></FinalDraft>".encode()


def test_a_final_draft_file_has_the_scenes_of_the_same_screenplay_in_fountain() -> None:
    script, left_out = parse_fdx(DOCUMENT.encode(), PATH, CAST)
    assert script == parse_fountain(FOUNTAIN, Path("x.fountain"), CAST)[0]
    assert (script.title, script.scenes[0].id, script.scenes[0].part) == (
        "The Tragedy of RAIN",
        "a2",
        "act_1",
    )
    assert left_out == ("2 title-page lines", "1 note")
    assert parse_fountain(format_fountain(script, CAST), PATH, CAST)[0] == script


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf" + DOCUMENT.encode(),
        b"\r\n" + DOCUMENT.encode(),
        DOCUMENT.replace("UTF-8", "UTF-16").encode("utf-16"),
        DOCUMENT.replace("UTF-8", "windows-1252").encode("cp1252"),
        DOCUMENT.partition("\n")[2].encode(),
    ],
)
def test_it_is_known_by_its_content_in_any_encoding_of_xml(raw: bytes) -> None:
    assert is_fdx(raw)
    assert parse_fdx(raw, PATH, CAST) == parse_fdx(DOCUMENT.encode(), PATH, CAST)
    assert not is_fdx(FOUNTAIN.encode())


def test_dialogue_without_a_speaker_is_action() -> None:
    raw = _wrap(
        '<Paragraph Type="Scene Heading"><Text>INT. A</Text></Paragraph>'
        '<Paragraph Type="Dialogue"><Text>Whose?</Text></Paragraph>'
        '<Paragraph Type="Character"><Text>JOE</Text></Paragraph>'
        '<Paragraph Type="Lyrics"><Text>La la.</Text></Paragraph>'
    )
    (scene,) = parse_fdx(raw, PATH, CAST)[0].scenes
    assert (scene.action, scene.dialogue) == ("Whose?", (Line(who="joe", line="La la."),))


BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>\n'
    '<FinalDraft><Content><Paragraph Type="Action"><Text>&b;</Text></Paragraph></Content></FinalDraft>'
)
OUTSIDE = '<!DOCTYPE FinalDraft SYSTEM "file:///etc/passwd"><FinalDraft/>'


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (BOMB.encode(), "x.fdx:2: wanted XML without <!DOCTYPE>, got one"),
        (OUTSIDE.encode(), "x.fdx:1: wanted XML without <!DOCTYPE>, got one"),
        (
            b"<FinalDraft>\n<Content>\n</FinalDraft>",
            "x.fdx:3:3: wanted a Final Draft document, got faulty XML: mismatched",
        ),
        (b"<?xml version='1.0'?>\n<opml/>", "x.fdx:2: wanted a Final Draft document, got the XML of <opml>"),
        (
            b"<FinalDraft>\xff</FinalDraft>",
            "x.fdx:1:13: wanted a Final Draft document, got faulty XML: not well-formed",
        ),
        (b"<FinalDraft>", "x.fdx:1:13: wanted a Final Draft document, got faulty XML: no element found"),
        (
            b"<FinalDraft>&undefined;</FinalDraft>",
            "x.fdx:1:13: wanted a Final Draft document, got faulty XML: undefined",
        ),
        (b"<FinalDraft><Content/></FinalDraft>", "x.fdx: wanted scene headings"),
        (
            b"<FinalDraft>" + b"<a>" * 10_000,
            f"x.fdx:1: wanted at most {MAX_DEPTH} elements inside one another",
        ),
        (b"<?xml version='1.0' encoding='x-none'?><FinalDraft/>", "x.fdx:1: wanted XML in UTF-8, got"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line_that_names_its_line(raw: bytes, message: str) -> None:
    assert is_fdx(raw) or raw.startswith(b"<!DOCTYPE")
    with pytest.raises(ScriptError) as refused:
        parse_fdx(raw, PATH, CAST)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)

"""A service passes text to commands as UTF-8, whatever its locale."""

from pathlib import Path

from tests.fakes.project_toml import project_toml
from tests.fakes.solorun_process import run_solorun, solorun

ASCII_ONLY = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
PRINTED = """
printf '%s' "$SOLORUN_PARAM_WORD$OWN$INHERITED" | od -An -tx1
[ ü = "$INHERITED" ] && echo equal
echo "$SECRET"
"""


async def test_commands_get_utf_8_under_another_locale(tmp_path: Path) -> None:
    project = project_toml(
        "text",
        {"print": PRINTED, "list": ["printf", "%s", "ß"]},
        params=["word"],
        secrets=["SECRET"],
        env={"OWN": "ä"},
        pass_env=["INHERITED"],
    )
    (tmp_path / "solorun.toml").write_text(project)
    env = {**ASCII_ONLY, "INHERITED": "ü", "SECRET": "pässwörd"}

    async with solorun("serve", "--port", "0", env=env, cwd=tmp_path) as service:
        url = (await service.until_stdout_shows(" at http://")).partition(" at ")[2].split()[0]
        start = ("start", "text", "--param", "word=é", "--follow", "--url", url)
        finished = await run_solorun(*start, cwd=tmp_path)

    assert finished.code == 0, finished.out
    for text in ("c3 a9 c3 a4 c3 bc", "equal", "***", "ß"):
        assert text in finished.out


async def test_arguments_and_artifact_names_are_utf_8_under_another_locale(tmp_path: Path) -> None:
    writes = 'mkdir $SOLORUN_ARTIFACTS/ö && echo "$SOLORUN_PARAM_WORD" > $SOLORUN_ARTIFACTS/ö/ü.txt'
    (tmp_path / "solorun.toml").write_text(project_toml("text", {"write": writes}, params=["word"]))

    async with solorun("serve", "--port", "0", env=ASCII_ONLY, cwd=tmp_path) as service:
        url = (await service.until_stdout_shows(" at http://")).partition(" at ")[2].split()[0]
        start = ("start", "text", "--param", "word=é", "--follow", "--url", url)
        finished = await run_solorun(*start, env=ASCII_ONLY, cwd=tmp_path)
        shown = await run_solorun("show", "text", "--json", "--url", url, cwd=tmp_path)
        arguments = ("download", "1", "ö/ü.txt", "-o", "ä.txt", "--url", url)
        downloaded = await run_solorun(*arguments, env=ASCII_ONLY, cwd=tmp_path)
        unnamed = await run_solorun("download", "1", "ö/ü.txt", "--url", url, env=ASCII_ONLY, cwd=tmp_path)

    assert finished.code == 0, finished
    assert "ö/ü.txt" in shown.out
    assert downloaded.code == unnamed.code == 0, (downloaded, unnamed)
    assert (tmp_path / "ä.txt").read_text() == (tmp_path / "ü.txt").read_text() == "é\n"

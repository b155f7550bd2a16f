"""The output of a dozen kinds of programs, one function each: `python log_styles.py pip`."""

import colorsys
import json
import sys


def out(text: str) -> None:
    sys.stdout.write(text.strip("\n") + "\n")
    sys.stdout.flush()


def err(text: str) -> None:
    sys.stderr.write(text.strip("\n") + "\n")
    sys.stderr.flush()


def pip() -> None:
    bar = f"\x1b[38;5;237m{'━' * 20}\x1b[0m \x1b[32m0.0/1.8 MB\x1b[0m \x1b[31m?\x1b[0m eta \x1b[36m-:--:--\x1b[0m"
    full = f"\x1b[32m{'━' * 20}\x1b[0m \x1b[32m1.8/1.8 MB\x1b[0m \x1b[31m12.4 MB/s\x1b[0m eta \x1b[36m0:00:00\x1b[0m"
    out("Collecting httpx==0.28.1 (from -r requirements.txt (line 3))")
    out("  Downloading httpx-0.28.1-py3-none-any.whl.metadata (7.1 kB)")
    out(f"\r\x1b[2K     {bar}\r\x1b[2K     {full}")
    out("Requirement already satisfied: anyio in /venv/lib/python3.11/site-packages (from httpx==0.28.1) (4.11.0)")
    out("Installing collected packages: h11, httpcore, httpx")
    out("Successfully installed h11-0.16.0 httpcore-1.0.9 httpx-0.28.1")
    err("WARNING: Running pip as the 'root' user can result in broken permissions. Use a virtual environment instead.")
    err("ERROR: pip's dependency resolver does not currently take into account all the packages that are installed.")
    err("\x1b[1m[\x1b[0m\x1b[34;49mnotice\x1b[0m\x1b[1;39;49m]\x1b[0m A new release of pip is available: 25.2 -> 25.3")


def npm() -> None:
    err("npm warn deprecated inflight@1.0.6: This module is not supported, and leaks memory. Do not use it.")
    err("\x1b[1G\x1b[0K⠙\x1b[1G\x1b[0K⠹\x1b[1G\x1b[0KidealTree: timing done")
    out("added 264 packages, and audited 265 packages in 57s")
    out("\n> dashboard@1.0.0 build\n> vite build\n")
    out("\x1b[36mvite v8.0.1 \x1b[32mbuilding client environment for production...\x1b[39m")
    out("\x1b[32m✓\x1b[39m 85 modules transformed.")
    out("\x1b[2mdist/\x1b[22m\x1b[35massets/index.css\x1b[39m\x1b[1m\x1b[2m 12.40 kB\x1b[22m\x1b[2m │ gzip: 3 kB")
    err("npm error code ERESOLVE")
    err("npm error ERESOLVE unable to resolve dependency tree")
    err("npm error A complete log of this run can be found in: /root/.npm/_logs/2026-11-30T10_15_30_123Z-debug-0.log")


def pytest() -> None:
    out(
        """
\x1b[1m============================= test session starts ==============================\x1b[0m
platform linux -- Python 3.11.9, pytest-9.0.1, pluggy-1.6.0 -- /venv/bin/python
collected 3 items

tests/test_orders.py::test_an_order_is_stored \x1b[32mPASSED\x1b[0m\x1b[32m                        [ 33%]\x1b[0m
tests/test_orders.py::test_a_total_is_rounded \x1b[31mFAILED\x1b[0m\x1b[31m                        [ 66%]\x1b[0m
tests/test_orders.py::test_errors_are_reported \x1b[32mPASSED\x1b[0m\x1b[31m                       [100%]\x1b[0m

=================================== FAILURES ===================================
\x1b[31m\x1b[1m___________________________ test_a_total_is_rounded ____________________________\x1b[0m

    def test_a_total_is_rounded():
>       assert total(["0.105", "0.1"]) == Decimal("0.21")
\x1b[1m\x1b[31mE       AssertionError: assert Decimal('0.20') == Decimal('0.21')\x1b[0m
\x1b[1m\x1b[31mE        +  where Decimal('0.20') = total(['0.105', '0.1'])\x1b[0m

\x1b[1m\x1b[31mtests/test_orders.py\x1b[0m:12: AssertionError
\x1b[36m\x1b[1m=========================== short test summary info ============================\x1b[0m
\x1b[31mFAILED\x1b[0m tests/test_orders.py::\x1b[1mtest_a_total_is_rounded\x1b[0m - AssertionError
\x1b[31m========== \x1b[1m1 failed\x1b[0m, \x1b[32m2 passed\x1b[0m\x1b[31m in 0.31s ==========\x1b[0m
"""
    )
    sys.exit(1)


def bars() -> None:
    for done in range(0, 101, 5):
        sys.stderr.write(
            f"\rEpoch 1/3: {done:3}%|{'█' * (done // 10):10}| {done}/100 [00:0{done // 20}<00:04, 19.8it/s]"
        )
        sys.stderr.flush()
    err("")
    for done in range(0, 41, 8):
        sys.stdout.write(
            f"\r\x1b[2KUploading… \x1b[38;2;249;38;114m{'━' * done}\x1b[0m\x1b[38;5;237m{'━' * (40 - done)}\x1b[0m"
        )
        sys.stdout.flush()
    out("\r\x1b[2KUploading… \x1b[38;2;114;156;31m" + "━" * 40 + "\x1b[0m \x1b[35m100%\x1b[0m \x1b[33m0:00:04\x1b[0m")
    for number in range(1, 195):
        out(f"::progress current={number},total=194::batch {number}")
        if number % 60 == 0:
            out(f"checkpoint after batch {number}")
    out("trained on 194 batches")


def pino() -> None:
    base = {"pid": 4021, "hostname": "gpu-box-1"}
    for level, message, fields in (
        (20, "cache miss", {"key": "user:42"}),
        (30, "request completed", {"req": {"method": "GET", "url": "/orders/494"}, "responseTime": 83}),
        (40, "rate limited", {"attempt": 2, "of": 5}),
        (50, "could not charge the card", {"err": {"type": "StripeCardError", "message": "declined", "stack": "at x"}}),
    ):
        out(json.dumps({"level": level, "time": 1764497730123, **base, **fields, "msg": message}))


def structlog() -> None:
    for level, event, fields in (
        ("debug", "connection checked out", {"pool": 3}),
        ("info", "order stored", {"order_id": 1494, "user": {"id": 42, "name": "Ada"}}),
        ("warning", "slow query", {"seconds": 4.2, "sql": "SELECT * FROM orders WHERE user_id = $1"}),
        (
            "error",
            "could not store the order",
            {"exception": "Traceback (most recent call last):\n  …\nKeyError: 'id'"},
        ),
    ):
        out(json.dumps({**fields, "event": event, "level": level, "timestamp": "2026-11-30T10:15:30.123456Z"}))


def logfmt() -> None:
    out('ts=2026-11-30T10:15:30.123Z level=debug caller=head.go:88 msg="Head GC completed" duration=1.2ms')
    out('ts=2026-11-30T10:15:31.004Z level=info caller=compact.go:523 msg="write block" mint=17644 maxt=17645')
    out('ts=2026-11-30T10:15:32.311Z level=warn msg="Append failed" err="out of bounds" target=node:9100')
    out(
        'ts=2026-11-30T10:15:33.900Z level=error caller=main.go:911 msg="Error loading config" file=/etc/prometheus.yml'
    )


def java() -> None:
    line = "2026-11-30T10:15:3{}.123Z {} 4021 --- [shop] [{}] {} : {}".format
    out(
        line(0, " INFO", "           main", "c.e.shop.ShopApplication                ", "Starting ShopApplication v2.1")
    )
    out(
        line(1, " WARN", "           main", "o.s.b.a.orm.jpa.JpaBaseConfiguration    ", "spring.jpa.open-in-view is on")
    )
    out(line(2, "DEBUG", "   scheduling-1", "c.e.shop.orders.OrderSweeper            ", "Swept 12 orders"))
    out(
        line(
            3,
            "ERROR",
            "nio-8080-exec-1",
            "o.a.c.c.C.[.[.[/].[dispatcherServlet]   ",
            "Servlet.service() threw exception",
        )
        + """

java.lang.IllegalStateException: Order 494 has no customer
\tat com.example.shop.orders.OrderService.charge(OrderService.java:88) ~[!/:2.1]
\tat com.example.shop.orders.OrderController.post(OrderController.java:41) ~[!/:2.1]
\tat org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:885) ~[spring-webmvc-6.2.jar!/:6.2]
Caused by: java.lang.NullPointerException: Cannot invoke "Customer.getId()" because "customer" is null
\tat com.example.shop.orders.OrderService.charge(OrderService.java:86) ~[!/:2.1]
\t... 48 common frames omitted
"""
    )


def go() -> None:
    err("2026/11/30 10:15:30 listening on :8080")
    err('time=2026-11-30T10:15:31.004Z level=WARN msg="slow upstream" host=db-1 took=4.2s')
    err('2026-11-30T10:15:32.311Z\tERROR\tserver/server.go:118\trequest failed\t{"status": 503, "path": "/orders"}')
    err(
        """
panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
main.pick(...)
\t/src/main.go:14
main.main()
\t/src/main.go:9 +0x1d
exit status 2
"""
    )


def rust() -> None:
    err("\x1b[1m\x1b[92m   Compiling\x1b[0m serde v1.0.228")
    err("\x1b[1m\x1b[92m   Compiling\x1b[0m shop v0.1.0 (/src/shop)")
    err(
        """
\x1b[1m\x1b[33mwarning\x1b[0m\x1b[1m: unused variable: `total`\x1b[0m
 \x1b[1m\x1b[94m--> \x1b[0msrc/main.rs:3:9
  \x1b[1m\x1b[94m|\x1b[0m
\x1b[1m\x1b[94m3\x1b[0m \x1b[1m\x1b[94m|\x1b[0m     let total = 3;
  \x1b[1m\x1b[94m|\x1b[0m         \x1b[1m\x1b[33m^^^^^\x1b[0m \x1b[1m\x1b[33mhelp: prefix it: `_total`\x1b[0m

\x1b[1m\x1b[91merror[E0308]\x1b[0m\x1b[1m: mismatched types\x1b[0m
 \x1b[1m\x1b[94m--> \x1b[0msrc/main.rs:4:19
\x1b[1m\x1b[91merror\x1b[0m\x1b[1m: could not compile `shop` (bin "shop") due to 1 previous error\x1b[0m
"""
    )
    err("thread 'main' (4021) panicked at src/main.rs:6:25:\ncalled `Option::unwrap()` on a `None` value")


def etl() -> None:
    out("10:15:30  Running with dbt=1.11.2")
    out("::group::staging")
    for number in range(1, 4):
        out(f"10:15:3{number}  {number} of 5 START sql view model staging.stg_orders_{number} {'.' * 20} [RUN]")
        out(
            f"10:15:3{number}  {number} of 5 OK created sql view model staging.stg_orders_{number} {'.' * 14} "
            f"[\x1b[32mCREATE VIEW\x1b[0m in 0.1{number}s]"
        )
    out("::endgroup::")
    out("::group::marts")
    out(f"10:15:35  4 of 5 ERROR creating sql table model marts.orders {'.' * 22} [\x1b[31mERROR\x1b[0m in 0.31s]")
    out(f"10:15:35  5 of 5 SKIP relation marts.revenue {'.' * 36} [\x1b[33mSKIP\x1b[0m]")
    out("::endgroup::")
    out("::warning::2 sources are older than 24 hours")
    out("::error::Database Error in model orders (models/marts/orders.sql)")
    out('  column "customer_id" does not exist')
    out("10:15:36  Done. PASS=3 WARN=0 ERROR=1 SKIP=1 NO-OP=0 TOTAL=5")


def japanese() -> None:
    out("翻訳を開始します：吾輩は猫である（全11章、約37万字）")
    out("第1章 ██████████ 100% 完了 ✅  第2章 ████░░░░░░ 40% 処理中 ⏳")
    out("警告：用語「書生」の訳が用語集と一致しません → student / houseboy")
    out("ＥＲＲＯＲ　全角の文字　ﾊﾝｶｸｶﾅ　🇯🇵 👩‍💻 🧪 が\u306f\u3099")
    out("│ 名前       │ 数量 │\n│ りんご     │    3 │\n│ apple      │    3 │")
    out("ERROR 翻訳できません: " + "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。" * 4)


def colours() -> None:
    for lightness in (0.15, 0.3, 0.5, 0.7, 0.9):
        steps = (colorsys.hls_to_rgb(step / 24, lightness, 0.9) for step in range(24))
        colours = [[round(255 * part) for part in colour] for colour in steps]
        out("".join(f"\x1b[38;2;{r};{g};{b}m text" for r, g, b in colours) + "\x1b[0m")
        out("".join(f"\x1b[48;2;{r};{g};{b}m back" for r, g, b in colours) + "\x1b[0m")
    out("".join(f"\x1b[38;5;{number}m{number:4}" for number in range(16, 52)) + "\x1b[0m")
    out("\x1b[1mbold\x1b[0m \x1b[2mfaint\x1b[0m \x1b[3mitalic\x1b[0m \x1b[4munderlined\x1b[0m \x1b[7minverse\x1b[0m")


STYLES = (pip, npm, bars, pino, structlog, logfmt, java, go, rust, etl, japanese, colours, pytest)
"""In the order of the steps. The last one fails."""

if __name__ == "__main__":
    {style.__name__: style for style in STYLES}[sys.argv[1]]()

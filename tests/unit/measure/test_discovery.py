"""What files tell of benches, k6 scripts, services and the default branch."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchgate.errors import UsageError
from benchgate.measure.discovery import (
    Found,
    Guess,
    Service,
    default_branch,
    discover,
    repository,
)
from tests import repositories

SCRIPT = "import http from 'k6/http';\nexport default () => http.get('/');\n"
MAIN = "async fn main() { axum::serve(listener, app).await }\n"
MANIFEST = '[package]\nname = "api"\n[dependencies]\n'
AXUM = f'{MANIFEST}tokio = "1"\naxum = "0.8"\n'
ADDRESS = "http://127.0.0.1:{port}"


def project(root: Path, manifest: str = AXUM, **sources: str) -> Path:
    """Write a package whose main file and further sources are given by their names."""
    write(root / "Cargo.toml", manifest)
    for name, text in {"main": MAIN, **sources}.items():
        write(root / "src" / f"{name}.rs", text)
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def service_in(root: Path) -> Service:
    found = discover(root).service
    assert found
    return found


def test_in_an_empty_folder_there_is_nothing(tmp_path: Path) -> None:
    assert discover(tmp_path) == Found((), (), None)


def test_benches_of_criterion_are_found_and_others_are_not(tmp_path: Path) -> None:
    manifest = '[package]\nname = "a"\n[dev-dependencies]\ncriterion = "0.8"\n'
    write(tmp_path / "a" / "Cargo.toml", manifest)
    write(tmp_path / "a" / "benches" / "x.rs", "criterion_main!(benches);\n")
    other = manifest.replace("criterion", "divan")
    write(tmp_path / "b" / "Cargo.toml", other)
    write(tmp_path / "b" / "benches" / "y.rs", "divan::main();\n")

    assert discover(tmp_path).benches == ("a/benches/x.rs",)


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT,
        'import { check } from "k6";\nexport default function () {}\n',
        "import {\n  check,\n} from 'k6'\nexport const options = {};\n",
        "import 'k6/http';\nexport default function () {}\n",
        "const http = require('k6/http');\nmodule.exports.default = () => {};\n",
        "import exec from 'k6/execution';\nexport const options = {};\n",
    ],
)
@pytest.mark.parametrize("name", ["load/a.js", "a.ts", "deep/er/a.mjs"])
def test_what_k6_can_run_is_a_script(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path / name, text)

    assert discover(tmp_path).scripts == (name,)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("helpers.js", "import http from 'k6/http';\nexport function get() {}\n"),
        ("page.js", "import http from 'http';\nexport default () => {};\n"),
        ("like.js", "import x from 'k6-reporter';\nexport default () => {};\n"),
        ("notes.md", SCRIPT),
        ("node_modules/k6/a.js", SCRIPT),
        ("target/a.js", SCRIPT),
        (".cache/a.js", SCRIPT),
        ("huge.js", SCRIPT + " " * 1_000_000),
        ("new\nline.js", SCRIPT),
    ],
)
def test_what_k6_can_not_run_is_none(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path / name, text)

    assert discover(tmp_path).scripts == ()


@pytest.mark.parametrize(
    "needs",
    [
        'tokio = "1"\naxum = "0.8"',
        'actix-web = "4"',
        'rocket = "0.5"',
        'tokio = "1"\nhyper = "1"',
        'tokio = "1"\nweb = { package = "warp", version = "0.3" }',
        'tokio = "1"\n[target.\'cfg(unix)\'.dependencies]\ntonic = "0.13"',
        "tokio.workspace = true\npoem.workspace = true",
    ],
)
def test_a_binary_with_a_server_is_a_service(tmp_path: Path, needs: str) -> None:
    project(tmp_path, f"{MANIFEST}{needs}\n")

    assert service_in(tmp_path).name == "api"


@pytest.mark.parametrize(
    "needs",
    [
        'tokio = "1"\nreqwest = "0.12"',
        'hyper = "1"',
        'tokio = "1"\n[dev-dependencies]\naxum = "0.8"',
        'tokio = "1"\naxum = ',
    ],
)
def test_other_binaries_are_none(tmp_path: Path, needs: str) -> None:
    project(tmp_path, f"{MANIFEST}{needs}\n")

    assert discover(tmp_path).service is None


def test_a_library_is_no_service(tmp_path: Path) -> None:
    write(tmp_path / "Cargo.toml", AXUM)
    write(tmp_path / "src" / "lib.rs", MAIN)

    assert discover(tmp_path).service is None


@pytest.mark.parametrize(
    ("manifest", "main", "name"),
    [
        (AXUM, "src/main.rs", "api"),
        (AXUM, "src/bin/server.rs", "server"),
        (AXUM, "src/bin/server/main.rs", "server"),
        (f'{AXUM}[[bin]]\nname = "web"\npath = "x.rs"\n', "x.rs", "web"),
        (f'{AXUM}[[bin]]\nname = "web"\npath = "src/main.rs"\n', "src/main.rs", "web"),
        (f'{AXUM}[[bin]]\nname = "api"\nbench = false\n', "src/main.rs", "api"),
    ],
)
def test_binaries_are_found_where_cargo_finds_them(
    tmp_path: Path, manifest: str, main: str, name: str
) -> None:
    write(tmp_path / "Cargo.toml", manifest)
    write(tmp_path / main, MAIN)

    found = service_in(tmp_path)

    assert (found.name, found.others) == (name, ())
    assert found.start.value == f"target/release/{name}"


def test_without_autobins_only_named_binaries_are_found(tmp_path: Path) -> None:
    manifest = AXUM.replace('"api"', '"api"\nautobins = false')
    project(tmp_path, manifest)

    assert discover(tmp_path).service is None


def test_a_binary_outside_of_its_package_is_none(tmp_path: Path) -> None:
    write(tmp_path / "main.rs", MAIN)
    manifest = f'{AXUM}[[bin]]\nname = "web"\npath = "../main.rs"\n'
    write(tmp_path / "in" / "Cargo.toml", manifest)

    assert discover(tmp_path / "in").service is None


def test_the_binary_that_serves_goes_before_the_others(tmp_path: Path) -> None:
    project(tmp_path, main="fn main() {}")
    write(tmp_path / "src" / "bin" / "web.rs", MAIN)

    found = service_in(tmp_path)

    assert (found.name, found.others) == ("web", ("api",))


def test_the_binary_that_a_script_names_goes_before_the_others(tmp_path: Path) -> None:
    project(tmp_path)
    write(tmp_path / "src" / "bin" / "orders.rs", MAIN)
    write(tmp_path / "load" / "orders.js", SCRIPT)

    assert service_in(tmp_path).name == "orders"


def test_in_a_workspace_below_paths_lead_there(tmp_path: Path) -> None:
    write(tmp_path / "my code" / "Cargo.toml", '[workspace]\nmembers = ["api"]\n')
    project(tmp_path / "my code" / "api")

    found = service_in(tmp_path)

    assert found.build == (
        "cargo build --release --bin api --manifest-path 'my code/Cargo.toml'"
    )
    assert found.start.value == "'my code/target/release/api'"


@pytest.mark.parametrize(
    ("source", "route"),
    [
        ('.route("/health", get(health))', "/health"),
        ('#[get("/healthz")]', "/healthz"),
        ('.route("/users/{id}", x).route("/ping", y)', "/ping"),
        ('.route("/ready", a).route("/health", b)', "/health"),
        ('.route("/api/v1/health", a).route("/users", b)', "/api/v1/health"),
        ('.route("/api/v1/health", a).route("/ping", b)', "/ping"),
        ('.route("/api/v1/health", a).route("/health", b)', "/health"),
        ('warp::path("health")', "/health"),
        ('warp::path!("livez")', "/livez"),
    ],
)
def test_the_route_of_a_health_check_is_found(
    tmp_path: Path, source: str, route: str
) -> None:
    project(tmp_path, api=source)

    assert service_in(tmp_path).ready == Guess(
        f"{ADDRESS}{route}", "found in src/api.rs"
    )


@pytest.mark.parametrize(
    "source",
    [
        "",
        '.route("/users", x)',
        '.route("/orders/status", x)',
        '// .route("/health", x)',
        '"/wealth"',
    ],
)
def test_without_such_a_route_it_is_a_guess(tmp_path: Path, source: str) -> None:
    project(tmp_path, api=source)

    assert service_in(tmp_path).ready == Guess(
        f"{ADDRESS}/", "a guess: it has to answer 2xx once it is up"
    )


def test_routes_of_a_package_that_it_depends_on_count(tmp_path: Path) -> None:
    project(tmp_path / "api", f'{AXUM}routes = {{ path = "../routes" }}\n')
    write(tmp_path / "routes" / "src" / "lib.rs", '.route("/health", x)')

    assert service_in(tmp_path).ready.reason == "found in routes/src/lib.rs"


@pytest.mark.parametrize(
    ("source", "start", "env"),
    [
        ('env::var("PORT")', "target/release/api", {}),
        ('env::var("PORT"); env::var("HTTP_PORT")', "target/release/api", {}),
        ('env::var("HTTP_PORT")', "target/release/api", {"HTTP_PORT": "{port}"}),
        (
            'env::var("LISTEN_ADDR")',
            "target/release/api",
            {"LISTEN_ADDR": "127.0.0.1:{port}"},
        ),
        (
            "#[arg(short, long, default_value_t = 8080)]\n    pub port: u16,",
            "target/release/api --port {port}",
            {},
        ),
        ('env::var("REDIS_PORT"); env::var("DB_ADDR")', "target/release/api", {}),
    ],
)
def test_how_it_is_told_its_port_is_found(
    tmp_path: Path, source: str, start: str, env: dict[str, str]
) -> None:
    project(tmp_path, config=source)

    found = service_in(tmp_path)

    assert found.start.value == start
    assert {name: guess.value for name, guess in found.env.items()} == env


def test_where_nothing_tells_its_port_the_file_says_so(tmp_path: Path) -> None:
    project(tmp_path)

    assert service_in(tmp_path).start.reason == (
        "has to listen on {port}, which is in PORT as well"
    )


def test_rocket_has_a_variable_of_its_own(tmp_path: Path) -> None:
    project(tmp_path, f'{MANIFEST}rocket = "0.5"\n')

    assert service_in(tmp_path).env == {"ROCKET_PORT": Guess("{port}", "")}


@pytest.mark.parametrize(
    ("address", "each"),
    [
        ("sqlite://shop.db", "sqlite://shop-{side}.db"),
        ("sqlite://shop.db?mode=rwc", "sqlite://shop-{side}.db?mode=rwc"),
        ("sqlite:data/a.b.sqlite3", "sqlite:data/a.b-{side}.sqlite3"),
    ],
)
def test_each_side_gets_a_database_of_its_own(
    tmp_path: Path, address: str, each: str
) -> None:
    project(tmp_path, config=f'env::var("DATABASE_URL").unwrap_or("{address}")')

    assert service_in(tmp_path).env["DATABASE_URL"].value == each


@pytest.mark.parametrize(
    "source",
    [
        'env::var("DATABASE_URL")',
        'connect("sqlite://shop.db")',
        'env::var("DATABASE_URL"); "sqlite::memory:"',
        'env::var("DATABASE_URL"); format!("sqlite://{}.db", name)',
    ],
)
def test_a_database_that_is_not_named_is_left_alone(
    tmp_path: Path, source: str
) -> None:
    project(tmp_path, config=source)

    assert service_in(tmp_path).env == {}


def test_a_subcommand_that_prepares_is_a_guess(tmp_path: Path) -> None:
    main = f'{MAIN} match args {{ ["seed"] => seed(), _ => serve() }}'
    project(tmp_path, main=main)

    assert service_in(tmp_path).prepare == Guess(
        "target/release/api seed", "a guess from src/main.rs"
    )


def test_a_word_that_is_no_subcommand_is_none(tmp_path: Path) -> None:
    project(tmp_path, main=f'{MAIN} println!("prepare");')

    assert service_in(tmp_path).prepare is None


def test_the_default_branch_is_what_the_remote_says(tmp_path: Path) -> None:
    root = repositories.repository(tmp_path / "a")
    repositories.run(root, "branch", "--move", "release/2")
    repositories.run(root, "clone", "--quiet", ".", str(tmp_path / "b"))
    repositories.run(tmp_path / "b", "switch", "--quiet", "--create", "main")

    assert default_branch(tmp_path / "b") == "release/2"


def test_without_a_remote_it_goes_by_the_usual_names(tmp_path: Path) -> None:
    root = repositories.repository(tmp_path / "a")
    repositories.run(root, "branch", "--move", "master")
    repositories.run(root, "switch", "--quiet", "--create", "change")

    assert default_branch(root) == "master"


def test_before_the_first_commit_it_is_what_is_checked_out(tmp_path: Path) -> None:
    repositories.run(tmp_path, "init", "--quiet", "--initial-branch", "trunk")

    assert default_branch(tmp_path) == "trunk"


def test_a_folder_below_is_in_the_repository(tmp_path: Path) -> None:
    repositories.run(tmp_path, "init", "--quiet")
    below = tmp_path / "below"
    below.mkdir()

    assert repository(below) == tmp_path


def test_outside_of_a_repository_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is in no Git repository") as caught:
        repository(tmp_path)

    assert "`git init`" in caught.value.hint

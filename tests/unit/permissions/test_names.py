"""What is secret and what is protected, by name and place."""

import os
from pathlib import Path

import pytest

from ally.permissions.paths import words
from ally.permissions.protected import protected_reason
from ally.permissions.secrets import find_secrets, secret_reason
from tests.unit.permissions.site import Site, word

HOME = Path("/home/me")
SECRETS = words("""
.env .env.local .env.production .env~ .env.bak .env_old prod.env .envrc sub/.env id_rsa id_ed25519 id_ecdsa_sk
id_rsa.bak ssh_host_rsa_key server.pem tls.key a.p12 a.pfx a.p8 vault.kdbx x.jks x.keystore putty.ppk x.keytab
master.key wallet.dat login.keychain-db client.ovpn .netrc _netrc .npmrc .pypirc .pgpass .my.cnf .htpasswd
.git-credentials .s3cfg .boto .vault-token .terraformrc credentials credentials.json .credentials.json
client_secret_123.json service-account.json my-service_account-prod.json proj-sa-key.json oauth_creds.json
kubeconfig secrets.yaml secrets.json terraform.tfstate terraform.tfstate.backup prod.tfvars local.settings.json
application_default_credentials.json .Xauthority .bash_history .zsh_history .python_history .psql_history
.mysql_history .node_repl_history fish_history .histfile .viminfo ~/.ssh ~/.ssh/config ~/.ssh/known_hosts ~/.aws
~/.aws/credentials ~/.gnupg/private-keys-v1.d/x ~/.kube/config ~/.docker/config.json
~/.azure/msal_token_cache.json ~/.config/gcloud/credentials.db ~/.config/gh/hosts.yml ~/.password-store/x.gpg
~/.local/share/keyrings/login.keyring ~/.mozilla/firefox/x/logins.json ~/.config/google-chrome/Default/Cookies
~/.config/chromium ~/.thunderbird/x ~/.cargo/credentials.toml ~/.m2/settings.xml ~/.gem/credentials
~/.cache/huggingface/token ~/.claude/.credentials.json ~/.codex/auth.json /var/root/.ssh/id_rsa
/home/other/.aws/config /etc/shadow /etc/shadow- /etc/gshadow /etc/sudoers.d/x /etc/ssl/private/x
/proc/self/environ /proc/12/environ /proc/12/task/13/environ /proc/self/mem /run/secrets/db
/var/run/secrets/token /dev/mem
""")
ORDINARY = words("""
.env.example .env.sample .env.template example.env .env.dist .env.defaults a.py README.md environment.py env
env.py id_rsa.pub id_ed25519.pub monkey.txt keys.py keyboard.json key.go pem.md certs/README.md cacert.pem
secrets.py secret_manager.py credentials.py history.md test_history.py config.json .docker/Dockerfile
docker/config.json package.json .gitignore .gitconfig ~/.bashrc ~/.config/app/settings.json ~/notes/ssh.md
ssh/notes.md /etc/hosts /etc/passwd /proc/cpuinfo /proc/self/status /usr/share/keyrings/debian.gpg aws/lambda.py
/dev/null tokenizer.json src/environ terraform.tf main.tfvars.md credentials-form.tsx _history.md
""")
PROTECTED = words("""
.git/config .git/hooks/pre-commit .git sub/.git/HEAD .ally/config.json .vscode/tasks.json .vscode/settings.json
.idea/workspace.xml .envrc .mcp.json .gitmodules .husky/pre-commit .devcontainer/devcontainer.json
.claude/settings.json .cursor/mcp.json .github/workflows/ci.yml .gitlab-ci.yml .pre-commit-config.yaml .npmrc
.yarnrc.yml sitecustomize.py venv/lib/python3.11/site-packages/x.pth x.code-workspace .cargo/config.toml
.gdbinit .vimrc .exrc .tool-versions app/src/providers/custom/x.py ~/.bashrc ~/.bash_profile ~/.profile ~/.zshrc
~/.zshenv ~/.gitconfig ~/.inputrc ~/.config/git/config ~/.config/fish/config.fish ~/.config/autostart/x.desktop
~/.config/systemd/user/x.service ~/.local/bin/ls ~/.ssh/authorized_keys ~/.ssh/rc ~/.pam_environment ~/.xprofile
~/.emacs.d/init.el ~/.tmux.conf ~/.config/nvim/init.lua ~/Library/LaunchAgents/x.plist /etc/crontab
/etc/cron.d/x /etc/profile.d/x.sh /etc/ld.so.preload /var/spool/cron/crontabs/me /usr/bin/ls /usr/local/bin/x
/lib/x.so /boot/x /sys/kernel/x /proc/sys/kernel/core_pattern
""")
UNPROTECTED = words("""
a.py src/git/config README.md Makefile .gitignore .gitattributes package.json docs/profile.md gitconfig bashrc
vscode/tasks.json ally/config.json .github/ISSUE_TEMPLATE.md github/workflows/x.yml cron.py x.path
""")


def place(text: str) -> Path:
    return HOME / text[2:] if text.startswith("~/") else HOME / "project" / text


@pytest.mark.parametrize("text", SECRETS)
def test_secret(text: str):
    reason = secret_reason(place(text), HOME)
    assert ": " in reason
    assert secret_reason(Path(str(place(text)).upper()), Path("/HOME/ME")) != ""


@pytest.mark.parametrize("text", ORDINARY)
def test_no_secret(text: str):
    assert secret_reason(place(text), HOME) == ""


@pytest.mark.parametrize("text", PROTECTED)
def test_protected(text: str, site: Site):
    assert protected_reason(place(text), HOME / "project", HOME)
    assert word(site.decide(site.file("write", text), "bypass")) == "ask"
    assert word(site.decide(site.file("write", text), "accept-edits", ("allow", "edit"), ("allow", "write"))) == "ask"


@pytest.mark.parametrize("text", UNPROTECTED)
def test_not_protected(text: str):
    assert protected_reason(place(text), HOME / "project", HOME) == ""


def test_working_below_a_system_folder_is_ordinary_work():
    root = Path("/usr/local/src/project")
    assert protected_reason(root / "a.py", root, HOME) == ""
    assert protected_reason(Path("/usr/local/src/other/a.py"), root, HOME)


def test_allys_own_is_protected_under_any_spelling():
    own = (Path("/home/me/.config/ally"),)
    assert protected_reason(Path("/home/me/.config/ALLY/config.json"), HOME / "project", HOME, own)
    assert protected_reason(Path("/home/me/.config/ally-notes/x"), HOME / "project", HOME, own) == ""


def test_reasons_are_in_words():
    assert secret_reason(HOME / "project/.env", HOME) == "holds keys: .env"
    assert secret_reason(HOME / ".ssh/id_rsa", HOME) == "holds credentials: ~/.ssh"
    assert protected_reason(HOME / ".bashrc", HOME / "project", HOME) == "may run by itself: ~/.bashrc"


def test_secrets_are_found_in_the_folder_and_at_home(site: Site):
    (site.root / "src/deep/.env.local").write_text("x")
    (site.root / "node_modules/x").mkdir(parents=True)
    (site.root / "node_modules/x/test.key").write_text("x")
    (site.root / "link.pem").symlink_to("../other/notes.txt")
    (site.root / "loop").symlink_to(".")
    (site.home / ".netrc").write_text("x")
    found = set(find_secrets(site.root, site.home))
    assert found == {
        site.home / ".ssh",
        site.home / ".netrc",
        site.root / ".env",
        site.root / "src/deep/.env.local",
        site.home / "other/notes.txt",
    }


def test_new_secret_is_found_at_once(site: Site):
    for number in range(5):
        new = site.root / "src" / f"{number}.pem"
        new.write_text("x")
        assert new in find_secrets(site.root, site.home)
        new.unlink()
        assert new not in find_secrets(site.root, site.home)


def test_folder_one_works_in_is_never_hidden(site: Site):
    inside = site.home / ".ssh" / "project"
    inside.mkdir()
    assert site.home / ".ssh" not in find_secrets(inside, site.home)


def test_search_for_secrets_is_bounded(site: Site):
    for number in range(30):
        (site.root / f"d{number:02}").mkdir()
    (site.root / "d29" / ".env").write_text("x")
    assert site.root / "d29/.env" in find_secrets(site.root, site.home)
    assert site.root / "d29/.env" not in find_secrets(site.root, site.home, max_folders=5)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_folder_that_cannot_be_read_is_no_error(site: Site):
    (site.root / "src").chmod(0)
    try:
        assert site.root / ".env" in find_secrets(site.root, site.home)
    finally:
        (site.root / "src").chmod(0o755)

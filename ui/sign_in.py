"""Sign-in with an OpenID Connect provider; it is on where the server's secrets have a section `auth`."""

from collections.abc import Mapping
from importlib.util import find_spec

import streamlit as st


def require_sign_in() -> None:
    """Let only visitors with an account past, where sign-in is on; others see a button for each provider."""
    if not (st.secrets.load_if_toml_exists() and "auth" in st.secrets):
        return
    if find_spec("authlib") is None:
        st.error('Sign-in needs Authlib on this server: `pip install "streamlit[auth]"`.', icon=":material/error:")
        st.stop()
    if st.user.get("is_logged_in"):
        st.sidebar.button("Sign out", on_click=st.logout, icon=":material/logout:")
        return
    st.title("Sign in", anchor=False)
    st.markdown("This copy is for people with an account.")
    providers = [name for name, settings in st.secrets["auth"].items() if isinstance(settings, Mapping)]
    for name in providers or [None]:
        title = f"Sign in with {name}" if name else "Sign in"
        st.button(title, key=f"sign_in_{name}", on_click=st.login, args=(name,), icon=":material/login:")
    st.stop()

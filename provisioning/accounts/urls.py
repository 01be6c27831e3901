"""Addresses of users and sign-ins."""

from django.urls import path

from .views import session_life, sign_in, tokens, users

urlpatterns = [
    path("", sign_in.home, name="home"),
    path("login/", sign_in.SignIn.as_view(), name="login"),
    path("logout/", sign_in.sign_out, name="logout"),
    path("account/", sign_in.account, name="account"),
    path("account/password/", sign_in.ChangePassword.as_view(), name="password-change"),
    path("account/session/", session_life.session, name="session"),
    path("account/tokens/", tokens.account_tokens, name="account-tokens"),
    path("account/tokens/new/", tokens.token_new, name="apitoken-new"),
    path("account/tokens/<int:pk>/", tokens.token_edit, name="apitoken-edit"),
    path("account/tokens/<int:pk>/revoke/", tokens.token_revoke, name="apitoken-revoke"),
    path("provisioning/accounts/tokens/", tokens.token_list, name="apitoken-list"),
    path("provisioning/accounts/tokens/new/", tokens.service_new, name="service-new"),
    path("provisioning/accounts/users/<int:pk>/token/", tokens.user_token, name="user-token"),
    path("provisioning/accounts/users/", users.user_list, name="user-list"),
    path("provisioning/accounts/users/new/", users.user_new, name="user-new"),
    path("provisioning/accounts/users/unlock-address/", users.address_unlock, name="address-unlock"),
    path("provisioning/accounts/users/<int:pk>/", users.user_detail, name="user-detail"),
    path("provisioning/accounts/users/<int:pk>/roles/", users.user_roles, name="user-roles"),
    path("provisioning/accounts/users/<int:pk>/reset/", users.user_reset, name="user-reset"),
    *(path(f"provisioning/accounts/users/<int:pk>/{verb}/", users.user_verb, {"verb": verb}, name=f"user-{verb}")
      for verb in ("disable", "enable", "unlock")),
]

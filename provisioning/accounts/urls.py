"""Addresses of users and sign-ins."""

from django.apps import apps
from django.urls import path

from .views import session_life, sign_in, sign_in_settings, tokens, users

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
      for verb in users.VERBS_OF_USERS),
    path("provisioning/accounts/sign-in/", sign_in_settings.settings_page, name="sign-in-settings"),
    path("provisioning/accounts/sign-in/factors/", sign_in_settings.policy, name="sign-in-factors"),
    path("provisioning/accounts/sign-in/ask/", sign_in_settings.ask, name="sign-in-ask"),
    path("provisioning/accounts/sign-in/directory/", sign_in_settings.directory, name="sign-in-directory"),
]
if apps.is_installed("allauth.mfa"):
    # Processes that let nobody in know the others for the sake of links, and load none of these.
    from .views import confirmation, factors, second_factor, single_sign_on

    urlpatterns += [
        path("login/second-factor/", second_factor.second_factor, name="second-factor"),
        path("login/oidc/", single_sign_on.single_sign_on, name="single-sign-on"),
        path("login/oidc/callback/", single_sign_on.single_sign_on_back, name="single-sign-on-back"),
        path("account/confirm/", confirmation.confirm, name="confirm"),
        path("account/factors/app/", factors.factor_app, name="factor-app"),
        path("account/factors/passkey/", factors.factor_passkey, name="factor-passkey"),
        path("account/factors/codes/", factors.factor_codes, name="factor-codes"),
        path("account/factors/<int:pk>/remove/", factors.factor_remove, name="factor-remove"),
    ]

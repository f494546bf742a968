using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Updraft.Browser.Tests.Support;

/// <summary>A real OpenID Connect provider (OpenIddict) with a form, one client, and one password for all users.</summary>
internal sealed class IdentityProvider : IAsyncDisposable
{
    public const string ClientId = "updraft", ClientSecret = "provider-secret", Password = "correct horse";

    private readonly WebApplication _app;

    private IdentityProvider(WebApplication app) => _app = app;

    /// <summary>Groups of all users, which sign-ins and refreshes send as the claim <c>groups</c>.</summary>
    public IReadOnlyList<string> Groups { get; set; } = [];

    /// <summary>Whether the provider rejects each refresh token, as after the removal of a user.</summary>
    public bool RejectsRefreshes { get; set; }

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public static async Task<IdentityProvider> StartAsync()
    {
        IdentityProvider? provider = null;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddOpenIddict().AddServer(options =>
        {
            options.SetAuthorizationEndpointUris("connect/authorize").SetTokenEndpointUris("connect/token")
                .SetUserInfoEndpointUris("connect/userinfo");
            options.AllowAuthorizationCodeFlow().RequireProofKeyForCodeExchange().AllowRefreshTokenFlow();
            options.RegisterScopes("openid", "profile", "email", "offline_access");
            options.AddEphemeralEncryptionKey().AddEphemeralSigningKey();
            options.EnableDegradedMode();
            options.UseAspNetCore().EnableAuthorizationEndpointPassthrough().DisableTransportSecurityRequirement();
            options.AddEventHandler<ValidateAuthorizationRequestContext>(handler => handler.UseInlineHandler(context =>
            {
                if (context.ClientId != ClientId || !context.RedirectUri!.EndsWith("/signin-oidc", StringComparison.Ordinal))
                    context.Reject("invalid_client");
                return default;
            }));
            options.AddEventHandler<ValidateTokenRequestContext>(handler => handler.UseInlineHandler(context =>
            {
                if (context.ClientId != ClientId || context.ClientSecret != ClientSecret)
                    context.Reject("invalid_client");
                return default;
            }));
            options.AddEventHandler<HandleTokenRequestContext>(handler => handler.SetOrder(int.MaxValue).UseInlineHandler(context =>
            {
                if (!context.Request.IsRefreshTokenGrantType())
                    return default;
                if (provider!.RejectsRefreshes)
                    context.Reject("invalid_grant");
                else
                    SetGroups((ClaimsIdentity)context.Principal!.Identity!, provider.Groups);
                return default;
            }));
        });
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.UseAuthentication();
        provider = new IdentityProvider(app);
        app.MapMethods("/connect/authorize", ["GET", "POST"], (Delegate)provider.AuthorizeAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return provider;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task<IResult> AuthorizeAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType)
            return Results.Content(Form(context.Request.Query), "text/html");
        var form = await context.Request.ReadFormAsync();
        if (form["password"] != Password)
            return Results.Text("Wrong password", statusCode: 403);
        var email = form["email"].ToString();
        var identity = new ClaimsIdentity("provider", "name", "role");
        identity.SetClaim("sub", "user-" + email).SetClaim("email", email).SetClaim("name", "Ann Example").SetClaim("email_verified", true);
        identity.SetScopes(context.GetOpenIddictServerRequest()!.GetScopes());
        SetGroups(identity, Groups);
        return Results.SignIn(new ClaimsPrincipal(identity), authenticationScheme: OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
    }

    private static void SetGroups(ClaimsIdentity identity, IReadOnlyList<string> groups)
    {
        identity.SetClaims("groups", [.. groups]);
        identity.SetDestinations(_ => ["access_token", "id_token"]);
    }

    private static string Field(string name, string? value) =>
        $"<input type=hidden name=\"{WebUtility.HtmlEncode(name)}\" value=\"{WebUtility.HtmlEncode(value)}\">";

    private static string Form(IQueryCollection query) => $"""
        <!doctype html><title>Example provider</title><h1>Example provider</h1><form method="post" action="/connect/authorize">
        {string.Concat(query.Select(pair => Field(pair.Key, pair.Value)))}
        <label>Email <input name="email"></label> <label>Password <input name="password" type="password"></label>
        <button>Log in</button></form>
        """;
}

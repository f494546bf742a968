using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Updraft.Server.Api;

namespace Updraft.Server.SignIn;

/// <summary>Registers the sign-in of users: sessions of the web UI, and logins of command-line clients.</summary>
internal static class SignInServices
{
    /// <summary>The claim of the session cookie with the ID of the user.</summary>
    public const string UserClaim = "updraft_user";

    /// <summary>The claim of the session cookie with the ID of the <see cref="WebSession"/>.</summary>
    public const string SessionClaim = "updraft_session";

    private const string CallbackPath = "/signin-oidc";

    private static readonly object RefreshTokenItem = new();

    public static void AddSignIn(this WebApplicationBuilder builder)
    {
        var section = builder.Configuration.GetSection(SignInOptions.Section);
        builder.Services.AddOptions<SignInOptions>().Bind(section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddScoped<AuthorizationCodes>();
        builder.Services.AddScoped<SignInUser>();
        builder.Services.AddScoped<LoginTokens>();
        builder.Services.AddScoped<ConfirmLogin>();
        builder.Services.AddScoped<WebSessions>();
        builder.Services.AddScoped<ChangeUserStatus>();
        builder.Services.AddScoped<ProviderClaims>();
        builder.Services.AddDataProtection().SetApplicationName("updraft");
        builder.Services.AddOptions<KeyManagementOptions>().Configure<IOptions<ServerOptions>>((keys, server) =>
            keys.XmlRepository = new FileSystemXmlRepository(KeyDirectory(server.Value), NullLoggerFactory.Instance));
        // No scheme authenticates requests by default: only pages of the web UI read the cookie.
        var authentication = builder.Services.AddAuthentication(options =>
            options.DefaultSignInScheme = CookieAuthenticationDefaults.AuthenticationScheme)
            .AddCookie();
        builder.Services.AddOptions<CookieAuthenticationOptions>(CookieAuthenticationDefaults.AuthenticationScheme)
            .Configure<IOptions<ServerOptions>, IOptions<SignInOptions>>((cookie, server, signIn) =>
            {
                cookie.Cookie.Name = CookieName(server.Value, "updraft");
                Harden(cookie.Cookie, server.Value);
                // The row of the session decides; see WebSession. The cookie never renews itself.
                cookie.ExpireTimeSpan = signIn.Value.SessionLifetime;
                cookie.SlidingExpiration = false;
            });
        if (string.IsNullOrEmpty(section["Authority"]))
            return;
        authentication.AddOpenIdConnect();
        builder.Services.AddOptions<OpenIdConnectOptions>(OpenIdConnectDefaults.AuthenticationScheme)
            .Configure<IOptions<SignInOptions>, IOptions<ServerOptions>, ShowMessage>((provider, signIn, server, showMessage) =>
                Configure(provider, signIn.Value, server.Value, showMessage));
    }

    /// <summary>Handles the redirect of the provider. No other path runs the framework's authentication.</summary>
    public static void UseSignIn(this WebApplication app)
    {
        // Without this key of the framework, the framework adds its own middleware in front, which reads the cookie of every request.
        ((IApplicationBuilder)app).Properties["__AuthenticationMiddlewareSet"] = true;
        if (!string.IsNullOrEmpty(app.Configuration["SignIn:Authority"]))
            app.UseWhen(static context => context.Request.Path == CallbackPath, static branch => branch.UseAuthentication());
    }

    private static void Configure(OpenIdConnectOptions provider, SignInOptions signIn, ServerOptions server, ShowMessage showMessage)
    {
        provider.Authority = signIn.Authority;
        provider.ClientId = signIn.ClientId;
        provider.ClientSecret = signIn.ClientSecret;
        provider.RequireHttpsMetadata = signIn.Authority!.StartsWith("https://", StringComparison.Ordinal);
        provider.ResponseType = OpenIdConnectResponseType.Code;
        provider.ResponseMode = OpenIdConnectResponseMode.Query;
        provider.UsePkce = true;
        provider.CallbackPath = CallbackPath;
        provider.MapInboundClaims = false;
        provider.GetClaimsFromUserInfoEndpoint = true;
        // Rules for roles may name any claim of the provider, not only the standard ones.
        provider.ClaimActions.Clear();
        provider.ClaimActions.MapAll();
        provider.Scope.Clear();
        foreach (var scope in signIn.Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            provider.Scope.Add(scope);
        Harden(provider.CorrelationCookie, server);
        Harden(provider.NonceCookie, server);
        provider.Events.OnRedirectToIdentityProvider = async context =>
        {
            // Not from the request, because a caller or proxy chooses its host.
            context.ProtocolMessage.RedirectUri = server.PublicUrl.TrimEnd('/') + CallbackPath;
            if (context.Properties.Parameters.TryGetValue("prompt", out var prompt))
                context.ProtocolMessage.Prompt = (string?)prompt;
            // For a refresh token. Some providers reject a scope that they do not know.
            var metadata = await context.Options.ConfigurationManager!.GetConfigurationAsync(context.HttpContext.RequestAborted);
            if (metadata.ScopesSupported.Contains(ProviderClaims.OfflineAccess) && !context.Options.Scope.Contains(ProviderClaims.OfflineAccess))
                context.ProtocolMessage.Scope += " " + ProviderClaims.OfflineAccess;
        };
        provider.Events.OnTokenResponseReceived = context =>
        {
            context.HttpContext.Items[RefreshTokenItem] = context.TokenEndpointResponse.RefreshToken;
            return Task.CompletedTask;
        };
        provider.Events.OnTicketReceived = async context =>
        {
            var claims = context.Principal!.Claims.ToList();
            var issuer = claims.Find(claim => claim.Type == "sub")?.Issuer ?? signIn.Authority!;
            var (services, cancellationToken) = (context.HttpContext.RequestServices, context.HttpContext.RequestAborted);
            var user = await services.GetRequiredService<SignInUser>().RunAsync(issuer, claims, cancellationToken);
            if (context.HttpContext.Items[RefreshTokenItem] is string { Length: > 0 } refreshToken)
                await services.GetRequiredService<ProviderClaims>().SaveAsync(user.Id, refreshToken, cancellationToken);
            if (context.Properties?.Items.TryGetValue(SignInEndpoints.RequestProperty, out var request) == true)
            {
                // The code belongs to the user of this sign-in, never to the owner of a cookie that the browser happens to have.
                await services.GetRequiredService<ConfirmLogin>().BeginAsync(context.HttpContext, user,
                    JsonSerializer.Deserialize<AuthorizationRequest>(request!)!, cancellationToken);
                context.HandleResponse();
                return;
            }
            var session = await services.GetRequiredService<WebSessions>().BeginAsync(user.ToSubject(), SessionEvents.Provider,
                cancellationToken);
            context.Principal = new ClaimsPrincipal(new ClaimsIdentity(
                [new Claim(UserClaim, user.Id.Value), new Claim(SessionClaim, session)], "updraft"));
        };
        provider.Events.OnRemoteFailure = context =>
        {
            context.HandleResponse();
            return showMessage(context.HttpContext, StatusCodes.Status400BadRequest, "The sign-in failed",
                "The identity provider rejected the sign-in, or it took too long. Close this page, and sign in again.");
        };
    }

    /// <summary>
    /// The name of a cookie. With <c>https</c>, its prefix makes browsers reject a cookie that an unencrypted page or another host set.
    /// <c>__Host-</c> needs the path <c>/</c>.
    /// </summary>
    public static string CookieName(ServerOptions server, string name) =>
        !server.PublicUrl.StartsWith("https://", StringComparison.Ordinal) ? name
            : server.PublicPath().Length == 0 ? "__Host-" + name : "__Secure-" + name;

    /// <summary>
    /// Restricts a cookie of the web UI: the browser sends it only to this server's path and not from other sites, and scripts cannot
    /// read it.
    /// </summary>
    public static void Harden(CookieBuilder cookie, ServerOptions server)
    {
        // The path of the public URL, because a reverse proxy may strip it from the request.
        cookie.Path = server.PublicPath() + "/";
        cookie.HttpOnly = true;
        cookie.SameSite = SameSiteMode.Lax;
        cookie.SecurePolicy = server.PublicUrl.StartsWith("https://", StringComparison.Ordinal)
            ? CookieSecurePolicy.Always : CookieSecurePolicy.None;
    }

    private static DirectoryInfo KeyDirectory(ServerOptions server) =>
        new(PrivateDirectory.Create(Path.Join(server.KeyDirectory(), "sessions")));
}

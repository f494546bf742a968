using System.Security.Claims;
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
using Updraft.Server.Tokens;

namespace Updraft.Server.SignIn;

/// <summary>Registers how people sign in.</summary>
internal static class SignInServices
{
    /// <summary>The claim of the session cookie that names the person.</summary>
    public const string UserClaim = "updraft_user";

    private const string CallbackPath = "/signin-oidc";

    private static readonly TimeSpan SessionLifetime = TimeSpan.FromHours(8);

    public static void AddSignIn(this WebApplicationBuilder builder)
    {
        var section = builder.Configuration.GetSection(SignInOptions.Section);
        builder.Services.AddOptions<SignInOptions>().Bind(section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddScoped<AuthorizationCodes>();
        builder.Services.AddScoped<SignInUser>();
        builder.Services.AddScoped<LoginTokens>();
        builder.Services.AddScoped<RecordSession>();
        builder.Services.AddDataProtection().SetApplicationName("updraft");
        builder.Services.AddOptions<KeyManagementOptions>().Configure<IOptions<ServerOptions>>((keys, server) =>
            keys.XmlRepository = new FileSystemXmlRepository(KeyDirectory(server.Value), NullLoggerFactory.Instance));
        // No scheme looks at requests by itself: pages ask for the cookie, nothing else does.
        var authentication = builder.Services.AddAuthentication(options => options.DefaultSignInScheme = CookieAuthenticationDefaults.AuthenticationScheme)
            .AddCookie();
        builder.Services.AddOptions<CookieAuthenticationOptions>(CookieAuthenticationDefaults.AuthenticationScheme)
            .Configure<IOptions<ServerOptions>>((cookie, server) =>
            {
                cookie.Cookie.Name = "updraft";
                Harden(cookie.Cookie, server.Value);
                cookie.ExpireTimeSpan = SessionLifetime;
            });
        if (string.IsNullOrEmpty(section["Authority"]))
            return;
        authentication.AddOpenIdConnect();
        builder.Services.AddOptions<OpenIdConnectOptions>(OpenIdConnectDefaults.AuthenticationScheme)
            .Configure<IOptions<SignInOptions>, IOptions<ServerOptions>>((provider, signIn, server) => Configure(provider, signIn.Value, server.Value));
    }

    /// <summary>Answers the provider's redirect; nothing else looks at cookies.</summary>
    public static void UseSignIn(this WebApplication app)
    {
        // Otherwise the framework puts its middleware before everything, which reads the cookie of each request for nobody.
        ((IApplicationBuilder)app).Properties["__AuthenticationMiddlewareSet"] = true;
        if (!string.IsNullOrEmpty(app.Configuration["SignIn:Authority"]))
            app.UseWhen(static context => context.Request.Path == CallbackPath, static branch => branch.UseAuthentication());
    }

    private static void Configure(OpenIdConnectOptions provider, SignInOptions signIn, ServerOptions server)
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
        // Claims of the provider's own are as good for roles as the standard ones.
        provider.ClaimActions.Clear();
        provider.ClaimActions.MapAll();
        provider.Scope.Clear();
        foreach (var scope in signIn.Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            provider.Scope.Add(scope);
        Harden(provider.CorrelationCookie, server);
        Harden(provider.NonceCookie, server);
        provider.Events.OnRedirectToIdentityProvider = context =>
        {
            // Never from the request: its host is whatever a caller or a proxy says.
            context.ProtocolMessage.RedirectUri = server.PublicUrl.TrimEnd('/') + CallbackPath;
            if (context.Properties.Parameters.TryGetValue("prompt", out var prompt))
                context.ProtocolMessage.Prompt = (string?)prompt;
            return Task.CompletedTask;
        };
        provider.Events.OnTicketReceived = async context =>
        {
            var claims = context.Principal!.Claims.ToList();
            var issuer = claims.Find(claim => claim.Type == "sub")?.Issuer ?? signIn.Authority!;
            var user = await context.HttpContext.RequestServices.GetRequiredService<SignInUser>()
                .RunAsync(issuer, claims, context.HttpContext.RequestAborted);
            context.Principal = new ClaimsPrincipal(new ClaimsIdentity([new Claim(UserClaim, user.Id.Value)], "updraft"));
        };
        provider.Events.OnRemoteFailure = context =>
        {
            context.HandleResponse();
            return context.HttpContext.ShowAsync(StatusCodes.Status400BadRequest, "The sign-in failed",
                "The identity provider refused it, or it took too long. Close this page and begin again.");
        };
    }

    /// <summary>Sets what a cookie of the pages is: for this server's addresses only, unseen by scripts, not sent along by other sites.</summary>
    public static void Harden(CookieBuilder cookie, ServerOptions server)
    {
        // A proxy may strip the path that the browser sees.
        cookie.Path = server.PublicPath() + "/";
        cookie.HttpOnly = true;
        cookie.SameSite = SameSiteMode.Lax;
        cookie.SecurePolicy = server.PublicUrl.StartsWith("https://", StringComparison.Ordinal) ? CookieSecurePolicy.Always : CookieSecurePolicy.None;
    }

    private static DirectoryInfo KeyDirectory(ServerOptions server) => Directory.CreateDirectory(
        Path.Join(server.KeyDirectory(), "sessions"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
}

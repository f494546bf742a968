using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.SignIn;

/// <summary>
/// The small authorization server in front of the provider, as the CLI's login needs it:
/// <list type="number">
/// <item>The client finds this server (<c>auth-config</c>) and sends a browser to <c>/authorize</c>, with a challenge.</item>
/// <item>The browser goes to the provider, comes back to <c>/signin-oidc</c>, and on to <c>/authorize/return</c>.</item>
/// <item>From there it carries a code to the client, which exchanges it at <c>/oauth/token</c> with the verifier.</item>
/// </list>
/// </summary>
internal static class SignInEndpoints
{
    private const string ClientId = "updraft-cli";
    private const int ChallengeLength = 43, MaxState = 2048;
    private static readonly TimeSpan TimeForLogin = TimeSpan.FromMinutes(15);

    public static void MapSignIn(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/private/v1alpha1/cli/auth-config", Discover).AllowAnonymous();
        routes.MapGet("/authorize", AuthorizeAsync).AllowAnonymous();
        routes.MapGet("/authorize/return", ReturnAsync).AllowAnonymous();
        routes.MapPost("/oauth/token", ExchangeAsync).AllowAnonymous();
        routes.MapPost("/oauth/revoke", RevokeAsync).AllowAnonymous();
        routes.MapGet("/userinfo", Describe).Requires(Permission.ReadSelf);
    }

    private static AuthConfigResponse Discover(IOptions<ServerOptions> server) => new()
    {
        ClientId = ClientId,
        Audience = Tokens.IssueToken.Audience,
        DomainUrl = server.Value.PublicUrl.TrimEnd('/') + "/",
    };

    private static async Task AuthorizeAsync(HttpContext context, IOptions<SignInOptions> options, IOptions<ServerOptions> server,
        IDataProtectionProvider protection, TimeProvider clock)
    {
        var query = context.Request.Query;
        if (!options.Value.IsConfigured)
        {
            await ExplainAsync(context);
            return;
        }
        var redirect = query["redirect_uri"].ToString();
        if (query["client_id"] != ClientId || !LoopbackUrl.IsAllowed(redirect))
        {
            await context.ShowAsync(StatusCodes.Status400BadRequest, "The login cannot begin",
                "The client is not known here, or wants the answer at an address that is not on this machine.");
            return;
        }
        var (state, challenge) = (query["state"].ToString(), query["code_challenge"].ToString());
        if (query["response_type"] != "code" || query["code_challenge_method"] != "S256" || challenge.Length != ChallengeLength || state.Length > MaxState)
        {
            context.Response.Redirect(WithState(QueryHelpers.AddQueryString(redirect, "error", "invalid_request"), state));
            return;
        }
        var request = new AuthorizationRequest(redirect, challenge, state, clock.GetUtcNow() + TimeForLogin);
        var sealedRequest = Protector(protection).Protect(JsonSerializer.Serialize(request));
        var properties = new AuthenticationProperties { RedirectUri = QueryHelpers.AddQueryString(server.Value.PublicPath() + "/authorize/return", "request", sealedRequest) };
        // Also without the wish for it nobody is taken for signed in here: the provider decides, each time.
        if (query["prompt"] == "login")
            properties.Parameters["prompt"] = "login";
        await context.ChallengeAsync(OpenIdConnectDefaults.AuthenticationScheme, properties);
    }

    private static async Task ReturnAsync(HttpContext context, IOptions<SignInOptions> options, IDataProtectionProvider protection, AuthorizationCodes codes,
        TimeProvider clock)
    {
        if (options.Value.IsConfigured && Open(protection, context.Request.Query["request"].ToString()) is { } request && request.EndsAt > clock.GetUtcNow()
            && (await context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme)).Principal?.FindFirst(SignInServices.UserClaim)?.Value is { } user)
        {
            var code = await codes.IssueAsync(new UserId(user), request, context.RequestAborted);
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Redirect(WithState(QueryHelpers.AddQueryString(request.RedirectUri, "code", code), request.State));
            return;
        }
        await context.ShowAsync(StatusCodes.Status400BadRequest, "The login took too long", "Close this page and begin again.");
    }

    private static async Task ExchangeAsync(HttpContext context, AuthorizationCodes codes, LoginTokens tokens, CancellationToken cancellationToken)
    {
        var form = await ReadFormAsync(context.Request, cancellationToken);
        context.Response.Headers.CacheControl = "no-store";
        if (form["client_id"] != ClientId)
        {
            await RefuseAsync(context, "invalid_client", "The client is not known here.");
            return;
        }
        TokenResponse? answer = null;
        switch (form["grant_type"].ToString())
        {
            case "authorization_code":
                if (await codes.RedeemAsync(form["code"].ToString(), form["code_verifier"].ToString(), form["redirect_uri"].ToString(), cancellationToken) is { } user)
                    answer = await tokens.BeginAsync(user, cancellationToken);
                break;
            case "refresh_token":
                answer = await tokens.RefreshAsync(form["refresh_token"].ToString(), cancellationToken);
                break;
            default:
                await RefuseAsync(context, "unsupported_grant_type", "The grant types are authorization_code and refresh_token.");
                return;
        }
        if (answer is null)
        {
            await RefuseAsync(context, "invalid_grant", "The code or refresh token is not valid any more; log in again.");
            return;
        }
        await context.Response.WriteAsJsonAsync(new LoginTokenResponse
        {
            AccessToken = answer.Access,
            RefreshToken = answer.Refresh,
            ExpiresIn = answer.ExpiresIn,
        }, ApiJson.Default.LoginTokenResponse, cancellationToken: cancellationToken);
    }

    private static async Task<IResult> RevokeAsync(HttpContext context, LoginTokens tokens, CancellationToken cancellationToken)
    {
        var form = await ReadFormAsync(context.Request, cancellationToken);
        await tokens.RevokeAsync(form["token"].ToString(), cancellationToken);
        return TypedResults.Ok();
    }

    // Clients refuse a login whose address is empty, and log in with API tokens too.
    private static UserDescriptionResponse Describe(Subject subject) => new()
    {
        Sub = subject.Id,
        Email = subject.Kind == SubjectKind.User ? subject.Name : $"{subject.Id}@tokens.updraft.invalid",
        Name = subject.FullName ?? subject.Name,
    };

    private static Task ExplainAsync(HttpContext context) => context.ShowAsync(StatusCodes.Status404NotFound,
        "Sign-in is not set up on this server", "Log in with an API token instead: astro login -t TOKEN. The operator can set up an identity provider.");

    private static Task RefuseAsync(HttpContext context, string error, string description)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return context.Response.WriteAsJsonAsync(new LoginTokenError { Error = error, ErrorDescription = description }, ApiJson.Default.LoginTokenError);
    }

    private static async Task<IFormCollection> ReadFormAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (!request.HasFormContentType)
        {
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType,
                "Send a form: 'Content-Type: application/x-www-form-urlencoded'.");
        }
        try
        {
            return await request.ReadFormAsync(new FormOptions { ValueLengthLimit = 8192, ValueCountLimit = 20 }, cancellationToken);
        }
        catch (InvalidDataException exception)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "The form cannot be read, or is larger than is taken here.", exception);
        }
    }

    private static string WithState(string address, string? state) =>
        string.IsNullOrEmpty(state) ? address : QueryHelpers.AddQueryString(address, "state", state);

    private static IDataProtector Protector(IDataProtectionProvider protection) => protection.CreateProtector("Updraft.SignIn.AuthorizationRequest");

    private static AuthorizationRequest? Open(IDataProtectionProvider protection, string text)
    {
        try
        {
            return JsonSerializer.Deserialize<AuthorizationRequest>(Protector(protection).Unprotect(text));
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            return null;
        }
    }
}

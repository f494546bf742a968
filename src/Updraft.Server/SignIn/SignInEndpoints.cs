using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.SignIn;

/// <summary>
/// A small authorization server in front of the identity provider, for the login of the CLI:
/// <list type="number">
/// <item>The client reads <c>auth-config</c>, and opens <c>/authorize</c> with a challenge in a browser.</item>
/// <item>The server redirects the browser to the provider, which returns it to <c>/signin-oidc</c>; from there it gets to
/// <c>/authorize/confirm</c>, where the user confirms the login.</item>
/// <item>The server redirects the browser to the client with a code. The client exchanges the code at <c>/oauth/token</c>, with the
/// verifier.</item>
/// </list>
/// </summary>
internal static class SignInEndpoints
{
    /// <summary>ID of the only client, the <c>astro</c> CLI.</summary>
    public const string ClientId = "updraft-cli";

    /// <summary>Key of the authorization request in the state of the sign-in at the provider.</summary>
    public const string RequestProperty = "updraft.authorization";

    private const int ChallengeLength = 43, MaxState = 1024, MaxRedirect = 1024, MaxFormValues = 20, MaxFormValueBytes = 8192;

    public static void MapSignIn(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/private/v1alpha1/cli/auth-config", Discover).AllowAnonymous();
        routes.MapGet("/authorize", AuthorizeAsync).AllowAnonymous().WithMetadata(LimitedPerAddress.Instance);
        routes.MapPost("/oauth/token", ExchangeAsync).AllowAnonymous().WithMetadata(LimitedPerAddress.Instance);
        routes.MapPost("/oauth/revoke", RevokeAsync).AllowAnonymous().WithMetadata(LimitedPerAddress.Instance);
        routes.MapGet("/userinfo", Describe).Requires(Permission.ReadSelf);
    }

    private static AuthConfigResponse Discover(IOptions<ServerOptions> server) => new()
    {
        ClientId = ClientId,
        Audience = Tokens.IssueToken.Audience,
        DomainUrl = server.Value.PublicUrl.TrimEnd('/') + "/",
    };

    private static async Task AuthorizeAsync(HttpContext context, IOptions<SignInOptions> options, ShowMessage showMessage)
    {
        var query = context.Request.Query;
        if (!options.Value.IsConfigured)
        {
            await showMessage(context, StatusCodes.Status404NotFound, "Sign-in is not set up on this server",
                "Log in with an API token instead: astro login -t TOKEN. An operator can connect an identity provider.");
            return;
        }
        var redirect = query["redirect_uri"].ToString();
        if (query["client_id"] != ClientId || redirect.Length > MaxRedirect || !LoopbackUrl.IsAllowed(redirect))
        {
            await showMessage(context, StatusCodes.Status400BadRequest, "The login cannot begin",
                "The client is unknown, or its redirect URL is not on this host. Start the login again from the command line.");
            return;
        }
        var (state, challenge) = (query["state"].ToString(), query["code_challenge"].ToString());
        if (query["response_type"] != "code" || query["code_challenge_method"] != "S256" || challenge.Length != ChallengeLength
            || state.Length > MaxState)
        {
            context.Response.Redirect(WithState(QueryHelpers.AddQueryString(redirect, "error", "invalid_request"), state));
            return;
        }
        var properties = new AuthenticationProperties();
        // The middleware seals the properties, and binds them to this browser with a cookie. A URL with the request could be given away.
        properties.Items[RequestProperty] = JsonSerializer.Serialize(new AuthorizationRequest(redirect, challenge, state));
        // The server redirects to the provider even if the user has a session here. Only the provider decides whether to prompt.
        if (query["prompt"] == "login")
            properties.Parameters["prompt"] = "login";
        await context.ChallengeAsync(OpenIdConnectDefaults.AuthenticationScheme, properties);
    }

    private static async Task ExchangeAsync(HttpContext context, AuthorizationCodes codes, LoginTokens logins,
        CancellationToken cancellationToken)
    {
        var form = await ReadFormAsync(context.Request, cancellationToken);
        context.Response.Headers.CacheControl = "no-store";
        if (form["client_id"] != ClientId)
        {
            await RejectAsync(context, SignInErrors.InvalidClient,
                "The client is unknown. Send 'client_id' as in the response of auth-config.");
            return;
        }
        TokenResponse? tokens = null;
        switch (form["grant_type"].ToString())
        {
            case "authorization_code":
                if (await codes.RedeemAsync(form["code"].ToString(), form["code_verifier"].ToString(), form["redirect_uri"].ToString(),
                    cancellationToken) is { } user)
                    tokens = await logins.BeginAsync(user, cancellationToken);
                break;
            case "refresh_token":
                tokens = await logins.RefreshAsync(form["refresh_token"].ToString(), cancellationToken);
                break;
            default:
                await RejectAsync(context, SignInErrors.UnsupportedGrantType, "'grant_type' must be authorization_code or refresh_token.");
                return;
        }
        if (tokens is null)
        {
            await RejectAsync(context, SignInErrors.InvalidGrant, "The code or refresh token is no longer valid. Log in again.");
            return;
        }
        await context.Response.WriteAsJsonAsync(new LoginTokenResponse
        {
            AccessToken = tokens.Access,
            RefreshToken = tokens.Refresh,
            ExpiresIn = tokens.ExpiresIn,
        }, ApiJson.Default.LoginTokenResponse, cancellationToken: cancellationToken);
    }

    private static async Task<IResult> RevokeAsync(HttpContext context, LoginTokens logins, CancellationToken cancellationToken)
    {
        var form = await ReadFormAsync(context.Request, cancellationToken);
        await logins.RevokeAsync(form["token"].ToString(), cancellationToken);
        return TypedResults.Ok();
    }

    // Clients reject a login without an email address, and they also log in with API tokens.
    private static UserDescriptionResponse Describe(Subject subject) => new()
    {
        Sub = subject.Id,
        Email = subject.Kind == SubjectKind.User ? subject.Name : $"{subject.Id}@tokens.updraft.invalid",
        Name = subject.FullName ?? subject.Name,
    };

    /// <summary>An error in the shape of OAuth 2.0 (RFC 6749, section 5.2), which clients of this endpoint read.</summary>
    private static Task RejectAsync(HttpContext context, ErrorCode code, string description)
    {
        context.Response.StatusCode = code.StatusCode;
        context.Response.Headers[ErrorCode.Header] = code.Id;
        return context.Response.WriteAsJsonAsync(new LoginTokenError { Error = code.Id, ErrorDescription = description },
            ApiJson.Default.LoginTokenError);
    }

    private static async Task<IFormCollection> ReadFormAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (!request.HasFormContentType)
        {
            throw new ApiException(RequestErrors.UnsupportedMediaType,
                "The body is not a form. Send it with 'Content-Type: application/x-www-form-urlencoded'.");
        }
        try
        {
            return await request.ReadFormAsync(new FormOptions
            {
                ValueLengthLimit = MaxFormValueBytes,
                ValueCountLimit = MaxFormValues,
                MultipartBodyLengthLimit = MaxFormValueBytes,
            }, cancellationToken);
        }
        catch (InvalidDataException exception)
        {
            throw new ApiException(RequestErrors.InvalidRequest,
                $"The form is malformed, or exceeds the limits of {MaxFormValues} fields and {MaxFormValueBytes} bytes per value.",
                exception);
        }
    }

    private static string WithState(string url, string? state) =>
        string.IsNullOrEmpty(state) ? url : QueryHelpers.AddQueryString(url, "state", state);
}

using System.Buffers;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Updraft.Server.Access;
using Updraft.Server.Api;
using Updraft.Server.Security;
using Updraft.Server.SignIn;

namespace Updraft.Server.Web;

/// <summary>Sign-in with the identity provider or an API token, and sign-out.</summary>
internal static class SessionPages
{
    private const int MaxTokenLength = 4096;
    private const string LoginEnded = "The login took too long, was already used, or began in another browser. Close this page, and start "
        + "the login again from the command line.";

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

    public static void MapSession(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/signin", IResult (HttpContext context) => Render(context, context.Request.Query["returnTo"], null)).AllowAnonymous();
        pages.MapPost("/signin", SignInAsync).AllowAnonymous().WithMetadata(LimitedPerAddress.Instance);
        pages.MapGet("/signin/provider", GoToProvider).AllowAnonymous().WithMetadata(LimitedPerAddress.Instance);
        pages.MapPost("/signout", SignOutAsync).AllowAnonymous();
        pages.MapGet(ConfirmLogin.Path, IResult (HttpContext context, ConfirmLogin confirm) => ShowLogin(context, confirm))
            .AllowAnonymous().WithMetadata(LimitedPerAddress.Instance);
        pages.MapPost(ConfirmLogin.Path, EndLoginAsync).AllowAnonymous().WithMetadata(LimitedPerAddress.Instance);
    }

    private static RazorComponentResult<SignInPage> Render(HttpContext context, string? returnTo, string? problem)
    {
        var hasProvider = context.RequestServices.GetRequiredService<IOptions<SignInOptions>>().Value.IsConfigured;
        return new(new { ReturnTo = LoopbackUrl.OwnPath(returnTo), HasProvider = hasProvider, Problem = problem })
        {
            StatusCode = problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest,
        };
    }

    private static async Task<IResult> SignInAsync(HttpContext context, FindToken findToken, WebSessions sessions, PageLinks links,
        CancellationToken cancellationToken)
    {
        var form = await context.Request.ReadFormAsync(cancellationToken);
        var (token, returnTo) = (form["token"].ToString().Trim(), form["returnTo"].ToString());
        var isText = token.Length is > 0 and <= MaxTokenLength && !token.AsSpan().ContainsAnyExcept(TokenCharacters);
        var subject = isText ? await findToken.RunAsync(token, cancellationToken) : null;
        if (subject is null or { Kind: SubjectKind.Agent })
        {
            return Render(context, returnTo, subject is null
                ? "The token is not valid: it is not from this server, has expired, or was deleted. Enter another API token."
                : "This is an agent token. Enter an API token.");
        }
        var session = await sessions.BeginAsync(subject, SessionEvents.Token, cancellationToken);
        var ticket = new ClaimsPrincipal(new ClaimsIdentity(
            [new Claim(PageSession.TokenClaim, token), new Claim(SignInServices.SessionClaim, session)], "updraft"));
        await context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, ticket);
        return TypedResults.Redirect(links.At(LoopbackUrl.OwnPath(returnTo)));
    }

    private static IResult GoToProvider(HttpContext context, IOptions<SignInOptions> options, PageLinks links)
    {
        var returnTo = LoopbackUrl.OwnPath(context.Request.Query["returnTo"]);
        return options.Value.IsConfigured
            ? TypedResults.Challenge(new AuthenticationProperties { RedirectUri = links.At(returnTo) },
                [OpenIdConnectDefaults.AuthenticationScheme])
            : TypedResults.Redirect(links.To($"/signin?returnTo={returnTo}"));
    }

    private static async Task<IResult> SignOutAsync(HttpContext context, WebSessions sessions, PageLinks links)
    {
        if (context.Features.Get<Subject>() is { } subject && context.User.FindFirstValue(SignInServices.SessionClaim) is { } session)
            await sessions.EndAsync(session, subject, context.RequestAborted);
        await context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        return TypedResults.Redirect(links.To($"/signin"));
    }

    /// <summary>Asks the user to confirm a login of a command-line client.</summary>
    private static RazorComponentResult<ConfirmLoginPage> ShowLogin(HttpContext context, ConfirmLogin confirm)
    {
        var request = context.Request.Query["request"].ToString();
        if (confirm.Find(context, request) is not { } pending)
            throw ApiException.BadRequest(LoginEnded);
        var client = new Uri(pending.RedirectUri).GetLeftPart(UriPartial.Authority);
        // The browser checks the redirect to the client too.
        context.Features.Set(new FormTarget(client));
        return new(new { Request = request, Client = client, pending.Email });
    }

    private static async Task<IResult> EndLoginAsync(HttpContext context, ConfirmLogin confirm, CancellationToken cancellationToken)
    {
        var form = await context.Request.ReadFormAsync(cancellationToken);
        if (confirm.Find(context, form["request"].ToString()) is not { } pending)
            throw ApiException.BadRequest(LoginEnded);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Redirect(confirm.End(context, pending, isConfirmed: form["answer"] == "allow"));
    }
}

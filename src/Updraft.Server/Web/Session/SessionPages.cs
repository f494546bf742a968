using System.Buffers;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Updraft.Server.Access;
using Updraft.Server.Events;
using Updraft.Server.Security;
using Updraft.Server.SignIn;

namespace Updraft.Server.Web;

/// <summary>Sign-in with the identity provider or an API token, and sign-out.</summary>
internal static class SessionPages
{
    private const int MaxTokenLength = 4096;

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

    public static void MapSession(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/signin", IResult (HttpContext context) => Render(context, context.Request.Query["returnTo"], null)).AllowAnonymous();
        pages.MapPost("/signin", SignInAsync).AllowAnonymous();
        pages.MapGet("/signin/provider", GoToProvider).AllowAnonymous();
        pages.MapPost("/signout", SignOutAsync).AllowAnonymous();
    }

    private static RazorComponentResult<SignInPage> Render(HttpContext context, string? returnTo, string? problem)
    {
        var hasProvider = context.RequestServices.GetRequiredService<IOptions<SignInOptions>>().Value.IsConfigured;
        return new(new { ReturnTo = LoopbackUrl.OwnPath(returnTo), HasProvider = hasProvider, Problem = problem })
        {
            StatusCode = problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest,
        };
    }

    private static async Task<IResult> SignInAsync(HttpContext context, FindToken findToken, RecordSession record, PageLinks links,
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
        await record.RunAsync(EventTypes.SessionStarted, subject, SessionEvents.Token, cancellationToken);
        var ticket = new ClaimsPrincipal(new ClaimsIdentity([new Claim(PageSession.TokenClaim, token)], "updraft"));
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

    private static async Task<IResult> SignOutAsync(HttpContext context, RecordSession record, PageLinks links)
    {
        if (context.Features.Get<Subject>() is { } subject)
            await record.RunAsync(EventTypes.SessionEnded, subject, SessionEvents.Page, context.RequestAborted);
        await context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        return TypedResults.Redirect(links.To($"/signin"));
    }
}

using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Access;
using Updraft.Server.Database;
using Updraft.Server.Security;
using Updraft.Server.SignIn;
using Updraft.Server.Users;

namespace Updraft.Server.Web;

/// <summary>
/// Middleware after routing: authenticates the requests of the web UI by the session cookie. The cookie is an encrypted ticket with the ID
/// of a session, and a user id or an API token. Each request looks them up again, so a deactivated user, a deleted token or an ended
/// session loses access immediately. Other routes ignore the
/// cookie.
/// </summary>
internal sealed class PageSession(RequestDelegate next, IServiceScopeFactory scopes, FindToken findToken)
{
    /// <summary>The claim of the ticket that holds an API token.</summary>
    public const string TokenClaim = "updraft_token";

    public Task InvokeAsync(HttpContext context) => PageRoute.Matches(context) ? AuthenticateAsync(context) : next(context);

    private async Task AuthenticateAsync(HttpContext context)
    {
        if ((await context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme)).Principal is { } principal)
        {
            // Antiforgery binds the forms of a page to this principal.
            context.User = principal;
            if (await FindAsync(principal, isUse: !IsLiveUpdate(context), context.RequestAborted) is { } subject)
            {
                context.Features.Set(subject);
                context.Features.Set(new Credential(async cancellationToken =>
                    await FindAsync(principal, isUse: false, cancellationToken) is not null));
            }
        }
        await next(context);
    }

    // An open page reconnects its event stream for as long as the browser runs. Without a user, that must not keep the session alive.
    private static bool IsLiveUpdate(HttpContext context) =>
        context.Request.Path.Value?.EndsWith("/events", StringComparison.Ordinal) == true;

    // A scope of its own, so that a long-lived event stream does not hold a database connection.
    private async Task<Subject?> FindAsync(ClaimsPrincipal principal, bool isUse, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        if (principal.FindFirstValue(SignInServices.SessionClaim) is not { } session
            || !await scope.ServiceProvider.GetRequiredService<WebSessions>().CheckAsync(session, isUse, cancellationToken))
            return null;
        if (principal.FindFirstValue(TokenClaim) is { } token)
            return await findToken.RunAsync(token, cancellationToken) is { Kind: not SubjectKind.Agent } subject ? subject : null;
        if (principal.FindFirstValue(SignInServices.UserClaim) is not { } text)
            return null;
        var id = new UserId(text);
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        return (await db.Users.AsNoTracking()
            .SingleOrDefaultAsync(row => row.Id == id && row.Status == UserStatus.Active, cancellationToken))?.ToSubject();
    }
}

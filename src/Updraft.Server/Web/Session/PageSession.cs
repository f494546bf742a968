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
/// Middleware after routing: finds who looks at a page. The cookie is an encrypted ticket that names a person or holds an API token; both are
/// looked up at every request, so that a person who is shut out, or a token that is deleted, is out at once. No other route knows the cookie.
/// </summary>
internal sealed class PageSession(RequestDelegate next, IServiceScopeFactory scopes, FindToken findToken)
{
    /// <summary>The claim of the ticket that holds an API token.</summary>
    public const string TokenClaim = "updraft_token";

    public Task InvokeAsync(HttpContext context) => PageRoute.Is(context) ? ShowAsync(context) : next(context);

    private async Task ShowAsync(HttpContext context)
    {
        if ((await context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme)).Principal is { } principal)
        {
            // The forms of a page are bound to this.
            context.User = principal;
            if (await FindAsync(principal, context.RequestAborted) is { } subject)
            {
                context.Features.Set(subject);
                context.Features.Set(new Credential(async cancellationToken =>
                    await FindAsync(principal, cancellationToken) is not null));
            }
        }
        await next(context);
    }

    // A scope of its own: a page that watches for news holds its request, and need not hold the database meanwhile.
    private async Task<Subject?> FindAsync(ClaimsPrincipal principal, CancellationToken cancellationToken)
    {
        if (principal.FindFirstValue(TokenClaim) is { } token)
            return await findToken.RunAsync(token, cancellationToken) is { Kind: not SubjectKind.Agent } subject ? subject : null;
        if (principal.FindFirstValue(SignInServices.UserClaim) is not { } text)
            return null;
        var id = new UserId(text);
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        return (await db.Users.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id && row.Status == UserStatus.Active, cancellationToken))?.ToSubject();
    }
}

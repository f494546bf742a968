using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Users;

namespace Updraft.Server.SignIn;

/// <summary>A login of a command-line client that waits for the confirmation of its user.</summary>
/// <param name="Code">The authorization code of the login.</param>
/// <param name="RedirectUri">URL of the client.</param>
/// <param name="State">The client's state; null or empty without one.</param>
/// <param name="Email">Email address of the user.</param>
/// <param name="Nonce">Also in a cookie of the browser that signed in.</param>
/// <param name="EndsAt">End of the confirmation.</param>
internal sealed record PendingLogin(string Code, string RedirectUri, string? State, string Email, string Nonce, DateTimeOffset EndsAt);

/// <summary>
/// Asks the user to confirm a login after the sign-in at the provider. The code is issued to the user who signed in in this flow, and only
/// the browser of this flow can read it: the URL of the page works only together with a cookie.
/// </summary>
internal sealed class ConfirmLogin(AuthorizationCodes codes, IDataProtectionProvider protection, IOptions<ServerOptions> server,
    TimeProvider clock)
{
    /// <summary>Path of the page.</summary>
    public const string Path = "/authorize/confirm";

    private readonly IDataProtector _protector = protection.CreateProtector("Updraft.SignIn.PendingLogin");

    private string CookieName => SignInServices.CookieName(server.Value, "updraft-login");

    /// <summary>Issues the code, and redirects the browser to the page.</summary>
    public async Task BeginAsync(HttpContext context, User user, AuthorizationRequest request, CancellationToken cancellationToken)
    {
        var nonce = AuthorizationCodes.NewSecret();
        var code = await codes.IssueAsync(user.Id, request, cancellationToken);
        var pending = new PendingLogin(code, request.RedirectUri, request.State, user.Username, nonce,
            clock.GetUtcNow() + AuthorizationCodes.Lifetime);
        context.Response.Cookies.Append(CookieName, nonce, Cookie(context));
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Redirect(QueryHelpers.AddQueryString(server.Value.PublicPath() + Path, "request",
            _protector.Protect(JsonSerializer.Serialize(pending))));
    }

    /// <summary>The login of a page; null if it expired, or if another browser signed in.</summary>
    public PendingLogin? Find(HttpContext context, string request)
    {
        if (Open(request) is not { } pending || pending.EndsAt <= clock.GetUtcNow())
            return null;
        var nonce = context.Request.Cookies[CookieName] ?? "";
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(nonce), Encoding.UTF8.GetBytes(pending.Nonce))
            ? pending : null;
    }

    /// <summary>Ends the page: the browser can use it only once. Returns the URL of the client, with the code or with a refusal.</summary>
    public string End(HttpContext context, PendingLogin pending, bool isConfirmed)
    {
        context.Response.Cookies.Delete(CookieName, Cookie(context));
        var url = isConfirmed ? QueryHelpers.AddQueryString(pending.RedirectUri, "code", pending.Code)
            : QueryHelpers.AddQueryString(pending.RedirectUri, "error", "access_denied");
        return string.IsNullOrEmpty(pending.State) ? url : QueryHelpers.AddQueryString(url, "state", pending.State);
    }

    private CookieOptions Cookie(HttpContext context)
    {
        var builder = new CookieBuilder { Expiration = AuthorizationCodes.Lifetime };
        SignInServices.Harden(builder, server.Value);
        return builder.Build(context, clock.GetUtcNow());
    }

    private PendingLogin? Open(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<PendingLogin>(_protector.Unprotect(text));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}

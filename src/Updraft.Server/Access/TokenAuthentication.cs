using System.Buffers;
using Microsoft.AspNetCore.Authorization;

namespace Updraft.Server.Access;

/// <summary>
/// Middleware: finds who sends a request. The only credential is one header <c>Authorization: Bearer TOKEN</c>; tokens in the query,
/// in other headers, or given twice are none.
/// </summary>
internal sealed class TokenAuthentication(RequestDelegate next, FindToken findToken)
{
    private const string Scheme = "Bearer ";
    private const int MaxLength = 4096;

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            return next(context);
        var finding = FindAsync(context);
        return finding.IsCompletedSuccessfully ? next(context) : WaitAsync(finding, context);
    }

    private async Task WaitAsync(ValueTask finding, HttpContext context)
    {
        await finding;
        await next(context);
    }

    // Apart: what is local to a middleware is kept for as long as its request takes, and agents wait by the thousand, each with a long token.
    private async ValueTask FindAsync(HttpContext context)
    {
        if (ReadToken(context.Request) is { } token && await findToken.RememberAsync(token, context.RequestAborted) is { } found)
        {
            context.Features.Set(found.Subject);
            context.Features.Set(found.Credential);
        }
    }

    private static string? ReadToken(HttpRequest request)
    {
        if (request.Headers.Authorization is not [{ } header] || header.Length > MaxLength + Scheme.Length
            || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return null;
        var token = header[Scheme.Length..];
        return token.Length > 0 && !token.AsSpan().ContainsAnyExcept(TokenCharacters) ? token : null;
    }
}

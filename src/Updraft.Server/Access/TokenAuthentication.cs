using System.Buffers;
using Microsoft.AspNetCore.Authorization;

namespace Updraft.Server.Access;

/// <summary>
/// Middleware: authenticates a request by its header <c>Authorization: Bearer TOKEN</c>. A token in the query, in another header, or in
/// two headers does not count.
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
        var authentication = AuthenticateAsync(context);
        return authentication.IsCompletedSuccessfully ? next(context) : WaitAsync(authentication, context);
    }

    private async Task WaitAsync(ValueTask authentication, HttpContext context)
    {
        await authentication;
        await next(context);
    }

    // A method of its own: the locals of a middleware live as long as the request, and thousands of agents may wait with a long token each.
    private async ValueTask AuthenticateAsync(HttpContext context)
    {
        if (ReadToken(context.Request) is { } token && await findToken.AuthenticateAsync(token, context.RequestAborted) is { } found)
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

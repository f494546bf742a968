using System.Buffers;
using Microsoft.AspNetCore.Authorization;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

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

    public async Task InvokeAsync(HttpContext context)
    {
        var isOpenToAll = context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null;
        if (!isOpenToAll && ReadToken(context.Request) is { } token
            && await findToken.RunAsync(token, context.RequestAborted) is { } subject)
        {
            context.Features.Set(subject);
            context.Features.Set(new Credential(async cancellationToken => await findToken.RunAsync(token, cancellationToken) is not null));
        }
        await next(context);
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

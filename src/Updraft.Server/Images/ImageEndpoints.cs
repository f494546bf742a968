using System.Text;
using Microsoft.Extensions.Options;
using Updraft.Protocol.Api;
using Updraft.Server.Tokens;

namespace Updraft.Server.Images;

/// <summary>
/// The token service of an image registry (CNCF Distribution): its clients come here with a credential and what they want to do, and
/// take a short-lived token back to the registry. Answers and errors have the registry's form, not that of the API.
/// </summary>
internal static class ImageEndpoints
{
    private const int MaxScopes = 32, MaxHeader = 8192, MaxPassword = 4096;
    private const string Scheme = "Basic ", User = "cli", Prefix = "Bearer ";

    public static void AddImages(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<ImageOptions>().BindConfiguration("Images").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<RegistryKey>();
        builder.Services.AddSingleton(provider => provider.GetRequiredService<RegistryKey>().Shared);
        builder.Services.AddHostedService(provider => provider.GetRequiredService<RegistryKey>());
        builder.Services.AddScoped<IssueRegistryToken>();
    }

    public static void MapImages(this IEndpointRouteBuilder routes) => routes.MapGet("/registry/token", GetTokenAsync).AllowAnonymous();

    private static async Task GetTokenAsync(HttpContext context, FindToken findToken, IssueRegistryToken issue, IOptions<ImageOptions> options,
        CancellationToken cancellationToken)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (Password(context.Request) is not { } password || await findToken.RunAsync(password, cancellationToken) is not { } subject)
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"updraft\"";
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, "UNAUTHORIZED",
                $"Log in to the registry as '{User}' with an API token, or an agent's token, as the password.");
            return;
        }
        if (context.Request.Query["service"] != options.Value.Service)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "UNSUPPORTED",
                $"Tokens are made for the service '{options.Value.Service}' only; name it in the registry's token settings, or change Images:Service.");
            return;
        }
        var scopes = RegistryScope.Split(context.Request.Query["scope"]);
        if (scopes.Count > MaxScopes)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "UNSUPPORTED", $"Ask for at most {MaxScopes} scopes at once.");
            return;
        }
        var token = await issue.RunAsync(subject, [.. scopes.Select(RegistryScope.Parse).OfType<RegistryScope>()], cancellationToken);
        await context.Response.WriteAsJsonAsync(token, ApiJson.Default.RegistryTokenResponse, cancellationToken: cancellationToken);
    }

    /// <summary>The token in the password. The astro CLI sends it with the scheme in front at first.</summary>
    private static string? Password(HttpRequest request)
    {
        if (request.Headers.Authorization is not [{ Length: <= MaxHeader } header] || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return null;
        var bytes = new byte[MaxHeader];
        if (!Convert.TryFromBase64String(header[Scheme.Length..], bytes, out var length))
            return null;
        var credential = Encoding.UTF8.GetString(bytes, 0, length);
        if (!credential.StartsWith(User + ":", StringComparison.Ordinal))
            return null;
        var password = credential[(User.Length + 1)..];
        if (password.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            password = password[Prefix.Length..];
        return password.Length is > 0 and <= MaxPassword ? password : null;
    }

    private static Task RefuseAsync(HttpContext context, int status, string code, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new RegistryErrors { Errors = [new RegistryError { Code = code, Message = message }] },
            ApiJson.Default.RegistryErrors);
    }
}

using System.Text;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Polly;
using Updraft.Protocol.Api;
using Updraft.Server.Access;
using Updraft.Server.Api;
using Updraft.Server.Telemetry;

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
        builder.Services.AddOptions<ImageOptions>().BindConfiguration(ImageOptions.Section).ValidateDataAnnotations().ValidateOnStart()
            .Validate(options => options is not { IsProxied: true, RegistryUrl: null or "" }, "Images:Proxy needs Images:RegistryUrl, where the registry is.");
        builder.Services.AddOptions<ServerOptions>().PostConfigure<IConfiguration>(ChooseRegistry);
        builder.Services.AddSingleton<RegistryKey>();
        builder.Services.AddSingleton(provider => provider.GetRequiredService<RegistryKey>().Shared);
        builder.Services.AddHostedService(provider => provider.GetRequiredService<RegistryKey>());
        builder.Services.AddSingleton<SignRegistryToken>();
        builder.Services.AddScoped<IssueRegistryToken>();
        builder.Services.AddMetricsOf(ImageMetrics.Begin);
        builder.Services.AddScoped<ResolveImage>();
        builder.Services.AddHostedService<DeleteOldImages>();
        builder.Services.AddBackgroundWork(DeleteOldImages.WorkName);
        builder.AddRegistryClient();
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton<RegistryProxy>();
        builder.Logging.AddFilter("Yarp", LogLevel.Warning);
    }

    /// <summary>A registry that hiccups is asked up to three times; a question of whatever kind can be repeated.</summary>
    private static void AddRegistryClient(this WebApplicationBuilder builder) => builder.Services
        .AddHttpClient<RegistryClient>(http => http.Timeout = Timeout.InfiniteTimeSpan)
        .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
        {
            // Redirects are followed by hand, because the token must not go along to another host.
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        })
        .AddResilienceHandler("registry", pipeline => pipeline
            .AddRetry(new HttpRetryStrategyOptions { MaxRetryAttempts = 2, Delay = TimeSpan.FromMilliseconds(200), BackoffType = DelayBackoffType.Exponential })
            .AddTimeout(TimeSpan.FromSeconds(8)));

    public static void MapImages(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/registry/token", GetTokenAsync).AllowAnonymous();
        routes.Map("/v2/{**path}", (HttpContext context, RegistryProxy proxy) => proxy.RunAsync(context)).AllowAnonymous();
    }

    /// <summary>Images that come through this server have its address, unless the operator named another one.</summary>
    private static void ChooseRegistry(ServerOptions server, IConfiguration configuration)
    {
        // Unchecked options: what is wrong with them must not hide what is wrong with the server's.
        if (configuration[nameof(ServerOptions.Registry)] is not null || configuration.GetSection(ImageOptions.Section).Get<ImageOptions>() is not { IsProxied: true }
            || !Uri.TryCreate(server.PublicUrl, UriKind.Absolute, out var address))
            return;
        // Docker takes a name without a dot or a port for a user of its own registry.
        var isHost = address.Authority.AsSpan().ContainsAny('.', ':') || address.Host == "localhost";
        server.Registry = isHost ? address.Authority : $"{address.Host}:{address.Port}";
    }

    private static async Task GetTokenAsync(HttpContext context, FindToken findToken, IssueRegistryToken issue, IOptions<ImageOptions> options,
        CancellationToken cancellationToken)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (Password(context.Request) is not { } password || await findToken.RunAsync(password, cancellationToken) is not { } subject)
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"updraft\"";
            await RegistryRejection.WriteAsync(context, StatusCodes.Status401Unauthorized, "UNAUTHORIZED",
                $"Log in to the registry as '{User}' with an API token, or an agent's token, as the password.");
            return;
        }
        if (context.Request.Query["service"] != options.Value.Service)
        {
            await RegistryRejection.WriteAsync(context, StatusCodes.Status400BadRequest, "UNSUPPORTED",
                $"Tokens are made for the service '{options.Value.Service}' only; name it in the registry's token settings, or change Images:Service.");
            return;
        }
        var scopes = RegistryScope.Split(context.Request.Query["scope"]);
        if (scopes.Count > MaxScopes)
        {
            await RegistryRejection.WriteAsync(context, StatusCodes.Status400BadRequest, "UNSUPPORTED", $"Ask for at most {MaxScopes} scopes at once.");
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
}

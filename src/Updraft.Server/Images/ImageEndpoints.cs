using System.Text;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Polly;
using Updraft.Protocol.Api;
using Updraft.Server.Access;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Images;

/// <summary>
/// The token service of an image registry (CNCF Distribution). Clients of the registry send a credential and the scopes that they need, and
/// get a short-lived token for the registry. Responses and errors have the shape that registry clients expect, not that of the API.
/// </summary>
internal static class ImageEndpoints
{
    private const int MaxScopes = 32, MaxHeader = 8192, MaxPassword = 4096;
    private const string Scheme = "Basic ", User = "cli", Prefix = "Bearer ";

    public static void AddImages(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<ImageOptions>().BindConfiguration(ImageOptions.Section).ValidateDataAnnotations().ValidateOnStart()
            .Validate(options => options is not { IsProxied: true, RegistryUrl: null or "" },
                "Images:Proxy needs Images:RegistryUrl. Set it to the URL of the registry.");
        builder.Services.AddOptions<ServerOptions>().PostConfigure<IConfiguration>(ChooseRegistry);
        builder.Services.AddSingleton<RegistryKey>();
        builder.Services.AddSingleton(provider => provider.GetRequiredService<RegistryKey>().Shared);
        builder.Services.AddHostedService(provider => provider.GetRequiredService<RegistryKey>());
        builder.Services.AddSingleton<SignRegistryToken>();
        builder.Services.AddScoped<IssueRegistryToken>();
        builder.Services.AddMetricsOf(ImageMetrics.Begin);
        builder.Services.AddScoped<ResolveImage>();
        builder.Services.AddScoped<ReadImageRuntimes>(static services =>
        {
            var db = services.GetRequiredService<UpdraftDbContext>();
            return (deployments, cancellationToken) => db.ReadImageRuntimesAsync(deployments, cancellationToken);
        });
        builder.Services.AddScoped<DeleteDeploymentImages>();
        builder.Services.AddHostedService<DeleteOldImages>();
        builder.Services.AddBackgroundWork(DeleteOldImages.WorkName);
        builder.AddRegistryClient();
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton<RegistryProxy>();
        builder.Logging.AddFilter("Yarp", LogLevel.Warning);
    }

    /// <summary>The client sends a failed request up to three times, which is safe because all its requests are idempotent.</summary>
    private static void AddRegistryClient(this WebApplicationBuilder builder) => builder.Services
        .AddHttpClient<RegistryClient>(http => http.Timeout = Timeout.InfiniteTimeSpan)
        .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
        {
            // RegistryClient follows redirects itself, because it must not send its token to another host.
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        })
        .AddResilienceHandler("registry", pipeline => pipeline
            .AddRetry(new HttpRetryStrategyOptions { MaxRetryAttempts = 2, Delay = TimeSpan.FromMilliseconds(200),
                BackoffType = DelayBackoffType.Exponential })
            .AddTimeout(TimeSpan.FromSeconds(8)));

    public static void MapImages(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/registry/token", GetTokenAsync).AllowAnonymous();
        routes.Map("/v2/{**path}", (HttpContext context, RegistryProxy proxy) => proxy.RunAsync(context)).AllowAnonymous();
    }

    /// <summary>
    /// If this server proxies the registry, the registry has the host and port of the public URL, unless the operator set another one.
    /// </summary>
    private static void ChooseRegistry(ServerOptions server, IConfiguration configuration)
    {
        // Reads the options without validation, so that an invalid one does not hide an invalid server option.
        if (configuration[nameof(ServerOptions.Registry)] is not null || configuration.GetSection(ImageOptions.Section)
            .Get<ImageOptions>() is not { IsProxied: true }
            || !Uri.TryCreate(server.PublicUrl, UriKind.Absolute, out var publicUrl))
            return;
        // Docker treats a name without a dot or port as a user of Docker Hub.
        var isHost = publicUrl.Authority.AsSpan().ContainsAny('.', ':') || publicUrl.Host == "localhost";
        server.Registry = isHost ? publicUrl.Authority : $"{publicUrl.Host}:{publicUrl.Port}";
    }

    private static async Task GetTokenAsync(HttpContext context, FindToken findToken, IssueRegistryToken issue,
        IOptions<ImageOptions> options,
        CancellationToken cancellationToken)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (Password(context.Request) is not { } password || await findToken.RunAsync(password, cancellationToken) is not { } subject)
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"updraft\"";
            await RegistryRejection.WriteAsync(context, RequestErrors.Unauthenticated, "UNAUTHORIZED",
                $"The login failed. Log in to the registry as '{User}', with an API token or agent token as the password.");
            return;
        }
        if (context.Request.Query["service"] != options.Value.Service)
        {
            await RegistryRejection.WriteAsync(context, ImageErrors.WrongService, "UNSUPPORTED",
                $"The server issues tokens only for the service '{options.Value.Service}'. Set it in the registry's token settings, or "
                    + "change Images:Service.");
            return;
        }
        var scopes = RegistryScope.Split(context.Request.Query["scope"]);
        if (scopes.Count > MaxScopes)
        {
            await RegistryRejection.WriteAsync(context, RequestErrors.InvalidRequest, "UNSUPPORTED",
                $"The request has {scopes.Count} scopes. Send at most {MaxScopes}.");
            return;
        }
        var token = await issue.RunAsync(subject, [.. scopes.Select(RegistryScope.Parse).OfType<RegistryScope>()], cancellationToken);
        await context.Response.WriteAsJsonAsync(token, ApiJson.Default.RegistryTokenResponse, cancellationToken: cancellationToken);
    }

    /// <summary>The token in the password. The astro CLI first sends it with the scheme <c>Bearer</c> in front.</summary>
    private static string? Password(HttpRequest request)
    {
        if (request.Headers.Authorization is not [{ Length: <= MaxHeader } header]
            || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
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

using System.ComponentModel.DataAnnotations;
using System.Text.Encodings.Web;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using Updraft.Protocol.Api;

namespace Updraft.Server.Api;

/// <summary>The environment of the slices: the sources of settings, the limits of the web server, logs, and JSON.</summary>
internal static class ServerHost
{
    /// <summary>Name of the optional settings file, in the directory of the program.</summary>
    public const string SettingsFile = "appsettings.json";

    // The framework logs every database statement and every request at Information, which does not help an operator.
    private static readonly Dictionary<string, string?> Defaults = new(StringComparer.Ordinal)
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft"] = "Warning",
        // Each of its errors also reaches the caller as an exception, which the server logs once, with its cause.
        ["Logging:LogLevel:Microsoft.EntityFrameworkCore"] = "Critical",
        ["Logging:LogLevel:System"] = "Warning",
        ["Logging:LogLevel:Polly"] = "Warning",
    };

    /// <summary>
    /// A builder with the sources of settings: <see cref="SettingsFile"/> in the directory of the program, then environment variables that
    /// start with <c>UPDRAFT_</c>, then the command line. A later source wins.
    /// </summary>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = Environments.Production,
        });
        builder.Configuration.Sources.Clear();
        AddSources(builder.Configuration, args);
        builder.Host.UseDefaultServiceProvider(options => (options.ValidateScopes, options.ValidateOnBuild) = (true, true));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Higher than the limit of a JSON body: the server still reads a slightly larger body to its end, so the client gets an error
            // response and not a broken connection. Uploads raise the limit themselves.
            kestrel.Limits.MaxRequestBodySize = 8 * RequestBody.MaxBytes;
            kestrel.Limits.MaxRequestHeaderCount = 100;
            kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        });
        builder.AddLogs();
        builder.AddApi();
        return builder;
    }

    /// <summary>Adds the sources of settings; a later source wins.</summary>
    public static IConfigurationBuilder AddSources(IConfigurationBuilder configuration, string[] args) => configuration
        .AddInMemoryCollection(Defaults)
        .AddJsonFile(Path.Join(AppContext.BaseDirectory, SettingsFile), optional: true, reloadOnChange: false)
        .AddEnvironmentVariables(CheckSettings.EnvironmentPrefix)
        .AddCommandLine(args);

    /// <summary>Sets the URL to listen on. Call it after the build, because it reads the options and throws if they are invalid.</summary>
    public static void ListenAsConfigured(this WebApplication app)
    {
        app.Urls.Clear();
        app.Urls.Add(app.Services.GetRequiredService<IOptions<ServerOptions>>().Value.Listen);
    }

    /// <summary>
    /// Treats every request as a request to the public URL. It uses the scheme of that URL, because TLS may end at a reverse proxy. It
    /// accepts requests with and without the path of that URL, because some reverse proxies strip it.
    /// </summary>
    public static void UsePublicUrl(this WebApplication app)
    {
        // The start reports invalid settings, so this does not.
        if (!Uri.TryCreate(app.Configuration["PublicUrl"] ?? ServerOptions.FollowListen(app.Configuration), UriKind.Absolute,
            out var publicUrl))
            return;
        var isEncrypted = publicUrl.Scheme == Uri.UriSchemeHttps;
        app.Use((context, next) =>
        {
            context.Request.Scheme = publicUrl.Scheme;
            if (isEncrypted)
                context.Response.OnStarting(RequireEncryption, context.Response);
            return next(context);
        });
        if (publicUrl.AbsolutePath.TrimEnd('/') is { Length: > 0 } path)
            app.UsePathBase(path);
    }

    /// <summary>
    /// Reads the IP address of the client from <c>X-Forwarded-For</c> if a trusted proxy forwarded the request. Call it first.
    /// </summary>
    public static void UseClientAddress(this WebApplication app)
    {
        // The start reports invalid settings, so this does not.
        if (new ServerOptions { TrustedProxies = app.Configuration["TrustedProxies"] } is not { TrustedProxies.Length: > 0 } server
            || server.Validate(new ValidationContext(server)).Any())
            return;
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor, ForwardLimit = null };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var network in server.ReadTrustedProxies())
            options.KnownIPNetworks.Add(network);
        app.UseForwardedHeaders(options);
    }

    private static Task RequireEncryption(object response)
    {
        ((HttpResponse)response).Headers.StrictTransportSecurity = "max-age=31536000";
        return Task.CompletedTask;
    }

    private static void AddLogs(this WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Logging.Configure(options => options.ActivityTrackingOptions = ActivityTrackingOptions.None);
        builder.Logging.AddJsonConsole(options =>
        {
            options.IncludeScopes = true;
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";
        });
    }

    private static void AddApi(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<ServerOptions>().Bind(builder.Configuration)
            .PostConfigure(server => server.PublicUrl = ServerOptions.FollowListen(builder.Configuration) ?? server.PublicUrl)
            .ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton(typeof(IValidateOptions<>), typeof(ValidateOwnRules<>));
        builder.Services.AddSingleton<WarnAtStart>();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        // The framework writes a longer part of a multipart form to a temporary file. No form of the server has one.
        builder.Services.Configure<FormOptions>(options => options.MultipartBodyLengthLimit = options.MemoryBufferThreshold);
        builder.Services.ConfigureHttpJsonOptions(options =>
        {
            var json = options.SerializerOptions;
            // No page embeds the JSON in HTML, and users read it in terminals.
            json.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
            json.TypeInfoResolverChain.Insert(0, ApiJson.Default);
            json.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
            json.AllowDuplicateProperties = false;
            json.MaxDepth = 32;
            json.NumberHandling = JsonNumberHandling.Strict;
            json.Converters.Add(new UtcTimeConverter());
        });
    }
}

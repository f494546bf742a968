using System.Text.Encodings.Web;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using Updraft.Protocol.Api;

namespace Updraft.Server.Api;

/// <summary>What surrounds the slices: where settings come from, the web server's limits, logs, JSON.</summary>
internal static class ServerHost
{
    /// <summary>Name of the optional settings file, in the directory of the program.</summary>
    public const string SettingsFile = "appsettings.json";

    // Every statement of the database and every line of the web server would tell an operator nothing.
    private static readonly Dictionary<string, string?> Defaults = new(StringComparer.Ordinal)
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft"] = "Warning",
        ["Logging:LogLevel:System"] = "Warning",
        ["Logging:LogLevel:Polly"] = "Warning",
    };

    /// <summary>
    /// A builder whose settings come from <c>appsettings.json</c> beside the program, then environment variables that begin with
    /// <c>UPDRAFT_</c>, then the command line; the last one counts.
    /// </summary>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = Environments.Production,
        });
        builder.Configuration.Sources.Clear();
        builder.Configuration
            .AddInMemoryCollection(Defaults)
            .AddJsonFile(SettingsFile, optional: true, reloadOnChange: false)
            .AddEnvironmentVariables(CheckSettings.EnvironmentPrefix)
            .AddCommandLine(args);
        builder.Host.UseDefaultServiceProvider(options => (options.ValidateScopes, options.ValidateOnBuild) = (true, true));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // More than a JSON body may have: one that is somewhat too large is still read to its end, so that the client sees the
            // answer and not a broken connection. Uploads raise it for themselves.
            kestrel.Limits.MaxRequestBodySize = 8 * RequestBody.MaxBytes;
            kestrel.Limits.MaxRequestHeaderCount = 100;
            kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        });
        builder.AddLogs();
        builder.AddApi();
        return builder;
    }

    /// <summary>Takes the addresses from the options. Call after building; it reads the options and so throws when they are bad.</summary>
    public static void ListenAsConfigured(this WebApplication app)
    {
        app.Urls.Clear();
        app.Urls.Add(app.Services.GetRequiredService<IOptions<ServerOptions>>().Value.Listen);
    }

    /// <summary>
    /// Takes every request for one to the public address: below its path too, as one proxy strips that path and another one keeps it, and by its
    /// scheme, as TLS may end before.
    /// </summary>
    public static void UsePublicUrl(this WebApplication app)
    {
        // Wrong settings are told at the start, not here.
        if (!Uri.TryCreate(app.Configuration["PublicUrl"], UriKind.Absolute, out var address))
            return;
        app.Use((context, next) =>
        {
            context.Request.Scheme = address.Scheme;
            return next(context);
        });
        if (address.AbsolutePath.TrimEnd('/') is { Length: > 0 } path)
            app.UsePathBase(path);
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
        builder.Services.AddOptions<ServerOptions>().Bind(builder.Configuration).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        builder.Services.ConfigureHttpJsonOptions(options =>
        {
            var json = options.SerializerOptions;
            // Nothing here is put into HTML as it stands; people read it in terminals.
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

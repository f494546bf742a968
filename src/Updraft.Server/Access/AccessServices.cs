using Updraft.Server.Telemetry;

namespace Updraft.Server.Access;

/// <summary>Authentication and authorization of requests by bearer token.</summary>
internal static class AccessServices
{
    public static void AddAccess(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<RateLimitOptions>().BindConfiguration(RateLimitOptions.Section).ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddSingleton<FindToken>();
        builder.Services.AddSingleton<TokenUse>();
        builder.Services.AddBackgroundWork(TokenUse.WorkName);
        builder.Services.AddHostedService(provider => provider.GetRequiredService<TokenUse>());
    }

    /// <summary>Authenticates and authorizes each request. Call it after routing.</summary>
    public static void UseAccess(this WebApplication app)
    {
        app.UseMiddleware<TokenAuthentication>();
        app.UseMiddleware<AuthorizeRequest>();
        app.UseMiddleware<LimitRequests>();
    }
}

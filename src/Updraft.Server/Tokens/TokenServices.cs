using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>Registers who may do what.</summary>
internal static class TokenServices
{
    public static void AddTokens(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<BootstrapOptions>().Bind(builder.Configuration.GetSection("Bootstrap"))
            .ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<SigningKeys>();
        builder.Services.AddSingleton<IssueToken>();
        builder.Services.AddSingleton<TokenCache>();
        builder.Services.AddSingleton<FindToken>();
        builder.Services.AddSingleton<TokenUse>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<TokenUse>());
        builder.Services.AddScoped<BootstrapTenancy>();
        builder.Services.AddScoped<CheckKeys>();
        foreach (var name in new[] { "signing", "uploads" })
            builder.Services.AddSingleton(provider => provider.GetRequiredService<SigningKeys>().Shared.Single(key => key.Name == name));
        builder.Services.AddScoped<TokenQueries>();
        builder.Services.AddScoped<CreateToken>();
        builder.Services.AddScoped<ChangeToken>();
        builder.Services.AddScoped<DeleteToken>();
        builder.Services.AddScoped<PlaceOfRole>();
        builder.Services.AddScoped<LastOwner>();
    }

    /// <summary>Finds who sends a request and whether it may; after routing.</summary>
    public static void UseTokens(this WebApplication app)
    {
        app.UseMiddleware<TokenAuthentication>();
        app.UseMiddleware<AuthorizeRequest>();
    }
}

using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddOptions<ServerOptions>().Bind(builder.Configuration).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton<SigningKeys>();
builder.Services.AddUpdraftDatabase();

var app = builder.Build();
await app.Services.MigrateDatabaseAsync(app.Lifetime.ApplicationStopping);
await app.RunAsync();

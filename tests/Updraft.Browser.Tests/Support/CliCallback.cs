using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Updraft.Browser.Tests.Support;

/// <summary>Receives the redirect at the end of a sign-in, as the CLI does.</summary>
internal sealed class CliCallback : IAsyncDisposable
{
    private readonly TaskCompletionSource<Dictionary<string, string>> _query = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WebApplication _app;

    private CliCallback(WebApplication app) => _app = app;

    public string Url =>
        _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single() + "/callback";

    /// <summary>The query of the redirect.</summary>
    public Task<Dictionary<string, string>> Query => _query.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    public static async Task<CliCallback> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var callback = new CliCallback(app);
        app.MapGet("/callback", (HttpRequest request) =>
        {
            callback._query.TrySetResult(request.Query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString(), StringComparer.Ordinal));
            return "You can close this page.";
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return callback;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}

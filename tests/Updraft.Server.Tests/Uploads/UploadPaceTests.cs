using Microsoft.Extensions.Time.Testing;

namespace Updraft.Server.Tests.Uploads;

/// <summary>Uploads that arrive through the pipe of a CI job: late, and with pauses.</summary>
public sealed class UploadPaceTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddYears(56);

    [Fact]
    public async Task Upload_may_start_late_and_pause_for_nearly_two_minutes()
    {
        var clock = new FakeTimeProvider(Start);
        await using var server = await UpdraftServer.StartAsync(clock);
        var site = await UploadSite.CreateAsync(server);
        var archive = UploadSite.Tar("one");
        using var http = await StartAsync(server, site, archive.Length);

        clock.Advance(TimeSpan.FromSeconds(119));
        await http.SendAsync(archive.AsMemory(0, 1500));
        await Task.Delay(TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromSeconds(60));
        await http.SendAsync(archive.AsMemory(1500));

        Assert.Contains("201 Created", await http.ReadUntilAsync("x-ms-version-id"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, 120)]
    [InlineData("7", 7)]
    public async Task Silent_upload_is_rejected_with_the_limit_and_its_setting_with_408(string? setting, int seconds)
    {
        var clock = new FakeTimeProvider(Start);
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        if (setting is not null)
            settings["Uploads:MaxIdleSeconds"] = setting;
        await using var server = await UpdraftServer.StartAsync(clock, settings);
        var site = await UploadSite.CreateAsync(server);
        using var http = await StartAsync(server, site, 10_240);

        clock.Advance(TimeSpan.FromSeconds(seconds));

        var response = await http.ReadUntilAsync("\"statusCode\":408");
        Assert.Contains($"No byte of the upload arrived for {seconds} seconds", response, StringComparison.Ordinal);
        Assert.Contains("(Uploads:MaxIdleSeconds)", response, StringComparison.Ordinal);
        Assert.Empty(await site.RecordedAsync());
    }

    private static async Task<RawHttp> StartAsync(UpdraftServer server, UploadSite site, int length)
    {
        var http = await RawHttp.ConnectAsync(server.BaseAddress);
        await http.SendHeadAsync(site.Url, ["x-ms-blob-type: BlockBlob", $"Content-Length: {length}", "Expect: 100-continue"]);
        await http.ReadUntilAsync("100 Continue\r\n\r\n");
        return http;
    }
}

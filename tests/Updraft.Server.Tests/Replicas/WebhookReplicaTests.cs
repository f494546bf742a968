
namespace Updraft.Server.Tests.Replicas;

/// <summary>Two servers on one database send each event once between them.</summary>
public sealed class WebhookReplicaTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    [Fact]
    public async Task Each_event_is_sent_by_one_of_the_servers()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var servers = await cluster.StartServersAsync(2);
        var site = await WebhookSite.CreateAsync(servers.First);
        var webhook = (await site.AddAsync(receiver.Url)).Text("id");
        var there = new PageSite(servers.Second, site.DeploymentId);
        for (var i = 0; i < 10; i++)
            await (i % 2 == 0 ? site.Deploys : there).DeployAsync($"deploy {i}", ("dags/shop.py", $"{i}\n"));
        await Poll.UntilAsync(async () => await site.DeliveriesAsync(webhook) is { Count: 20 } all && all.All(row => row.Text("status") == "DELIVERED"));
        Assert.Equal(20, receiver.Received.Count);
        Assert.Equal(20, receiver.Received.Select(one => one.Id).Distinct(StringComparer.Ordinal).Count());
    }
}

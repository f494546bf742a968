using System.Net;
using CsCheck;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Uploads;

namespace Updraft.Server.Tests.Uploads;

[Trait("Database", "any")]
public sealed class SignedUploadUrlTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private const string Characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:.%+ \0é";

    private readonly UpdraftServer _server = fixture.Server;

    [Fact]
    public async Task Changed_parameter_is_rejected()
    {
        var site = await UploadSite.CreateAsync(_server);
        var signed = _server.Services.GetRequiredService<SignedUploadUrl>();
        var query = QueryHelpers.ParseQuery(new Uri(site.Url).Query);
        var target = new Dictionary<string, StringValues>(query, StringComparer.Ordinal)
        {
            ["deployment"] = site.DeploymentId,
            ["deploy"] = site.DeployId,
        };
        Assert.True(Passes(signed, target, BundlePurpose.Dags));
        Assert.False(Passes(signed, target, BundlePurpose.Bundle));

        var names = target.Keys.Order(StringComparer.Ordinal).ToArray();
        var name = Gen.Int[0, names.Length - 1].Select(i => names[i]);
        Gen.Select(name, Gen.Int[0, 3], Gen.Int[0, 200], Gen.Char[Characters]).Sample((which, kind, at, c) =>
        {
            var value = target[which].ToString();
            at %= value.Length;
            var changed = kind switch
            {
                0 => value[..at] + c + value[(at + 1)..],
                1 => value.Insert(at, c.ToString()),
                2 => value.Remove(at, 1),
                _ => value.ToUpperInvariant(),
            };
            var forged = new Dictionary<string, StringValues>(target, StringComparer.Ordinal) { [which] = changed };
            return changed == value || !Passes(signed, forged, BundlePurpose.Dags);
        }, iter: 50_000);
    }

    [Fact]
    public async Task Reordered_and_re_encoded_URL_is_accepted()
    {
        var site = await UploadSite.CreateAsync(_server);
        var url = new Uri(site.Url);
        var parameters = QueryHelpers.ParseQuery(url.Query).Select(pair => (pair.Key, Value: pair.Value.ToString()))
            .Append(("comp", "block")).Append(("blockid", "Cvs/+w==")).Append(("timeout", "901")).ToArray();

        await Gen.Select(Gen.Shuffle(parameters), Gen.Bool).SampleAsync(async (order, everything) =>
        {
            Func<string, string> encode = everything ? EncodeAll : Uri.EscapeDataString;
            var query = string.Join('&', order.Select(pair => $"{pair.Item1}={encode(pair.Item2)}"));
            using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
            await http.SendHeadAsync($"{url.GetLeftPart(UriPartial.Path)}?{query}", ["Content-Length: 0", "Connection: close"]);
            return (await http.ReadHeadAsync()).StartsWith("HTTP/1.1 201 ", StringComparison.Ordinal);
        }, iter: 60, threads: 2);
    }

    [Theory]
    [InlineData("/uploads/", "%2F")]
    [InlineData("/uploads/", "%2f")]
    [InlineData("/", "%2F")]
    public async Task URL_with_encoded_slashes_is_accepted(string start, string slash)
    {
        var site = await UploadSite.CreateAsync(_server);
        var url = new Uri(site.Url);
        var path = start + url.AbsolutePath[start.Length..].Replace("/", slash, StringComparison.Ordinal);
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);

        await http.SendHeadAsync($"{url.GetLeftPart(UriPartial.Authority)}{path}{url.Query}&comp=block&blockid=Cvs%2F%2Bw%3D%3D",
            ["Content-Length: 0", "Connection: close"]);

        Assert.StartsWith("HTTP/1.1 201 ", await http.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("%2F", "%2500")]
    [InlineData("/", "%2500")]
    [InlineData("%2F", "%2564")]
    public async Task Doubly_encoded_URL_is_rejected(string slash, string added)
    {
        var site = await UploadSite.CreateAsync(_server);
        var url = new Uri(site.Url);
        var path = url.AbsolutePath.Replace("/dags", $"{slash}dags", StringComparison.Ordinal).Replace("dags", $"{added}ags", StringComparison.Ordinal);
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        await http.SendHeadAsync($"{url.GetLeftPart(UriPartial.Authority)}{path}{url.Query}", ["Content-Length: 0", "Connection: close"]);
        Assert.Matches("^HTTP/1.1 40[34] ", await http.ReadHeadAsync());
    }

    [Theory]
    [InlineData("&extra=1")]
    [InlineData("&sp=cw")]
    [InlineData("&SIG=00")]
    [InlineData("&restype=container")]
    [InlineData("&comp=block&comp=blocklist")]
    [InlineData("&snapshot=2024-01-01")]
    public async Task Unexpected_parameter_is_rejected_with_403(string added)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(UploadSite.Tar("one"), added);
        await UploadSite.RefusalAsync(response, HttpStatusCode.Forbidden, "AuthenticationFailed");
    }

    [Theory]
    [InlineData("se")]
    [InlineData("sp")]
    [InlineData("sr")]
    [InlineData("sv")]
    [InlineData("sig")]
    public async Task Missing_parameter_is_rejected_with_403(string name)
    {
        var site = await UploadSite.CreateAsync(_server);
        var url = new Uri(site.Url);
        var rest = url.Query.TrimStart('?').Split('&').Where(part => !part.StartsWith(name + "=", StringComparison.Ordinal));
        using var request = new HttpRequestMessage(HttpMethod.Put, $"{url.GetLeftPart(UriPartial.Path)}?{string.Join('&', rest)}");
        using var response = await _server.Anonymous.SendAsync(request, TestContext.Current.CancellationToken);
        await UploadSite.RefusalAsync(response, HttpStatusCode.Forbidden, "AuthenticationFailed");
    }

    [Fact]
    public async Task URL_of_another_purpose_or_deploy_is_rejected()
    {
        var site = await UploadSite.CreateAsync(_server);
        var other = await UploadSite.CreateAsync(_server);
        async Task<HttpStatusCode> PutAsync(string part, string instead)
        {
            var url = site.Url.Replace(part, instead, StringComparison.Ordinal);
            using var request = new HttpRequestMessage(HttpMethod.Put, url);
            using var response = await _server.Anonymous.SendAsync(request, TestContext.Current.CancellationToken);
            return response.StatusCode;
        }

        Assert.Equal(HttpStatusCode.Forbidden, await PutAsync("/dags?", "/bundle?"));
        Assert.Equal(HttpStatusCode.Forbidden, await PutAsync(site.DeployId, other.DeployId));
        Assert.Equal(HttpStatusCode.Forbidden, await PutAsync(site.DeploymentId, other.DeploymentId));
        Assert.Equal(HttpStatusCode.NotFound, await PutAsync("/dags?", "/Dags?"));
    }

    [Fact]
    public async Task API_token_does_not_replace_the_signature()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await _server.Client.PutAsync(
            new Uri(site.Url).GetLeftPart(UriPartial.Path), null, TestContext.Current.CancellationToken);
        await UploadSite.RefusalAsync(response, HttpStatusCode.Forbidden, "AuthenticationFailed");
    }

    [Fact]
    public async Task Upload_URL_is_never_logged()
    {
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Logging:LogLevel:Default"] = "Trace",
            ["Logging:LogLevel:Microsoft"] = "Trace",
            ["Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics"] = "Trace",
        });
        var site = await UploadSite.CreateAsync(server);
        (await site.PutAsync(UploadSite.Tar("one"))).Dispose();
        (await site.PutAsync([1, 2, 3])).Dispose();
        (await site.PutAsync([], "&comp=none")).Dispose();
        (await site.PutAsync([], "&extra=1")).Dispose();
        (await site.CommitXmlAsync("<")).Dispose();

        Assert.Contains("/uploads/", server.LogText);
        Assert.DoesNotContain(QueryHelpers.ParseQuery(new Uri(site.Url).Query)["sig"].ToString(), server.LogText);
    }

    private static bool Passes(SignedUploadUrl signed, Dictionary<string, StringValues> target, BundlePurpose purpose)
    {
        var query = new Dictionary<string, StringValues>(target, StringComparer.OrdinalIgnoreCase);
        query.Remove("deployment");
        query.Remove("deploy");
        try
        {
            signed.Check(new DeploymentId(target["deployment"].ToString()), new DeployId(target["deploy"].ToString()), purpose,
                new QueryCollection(query));
            return true;
        }
        catch (ApiException exception) when (exception.StatusCode == StatusCodes.Status403Forbidden)
        {
            return false;
        }
    }

    private static string EncodeAll(string text) => string.Concat(System.Text.Encoding.UTF8.GetBytes(text).Select(b => $"%{b:x2}"));
}

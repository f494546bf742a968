using System.Text.Json.Nodes;
using System.Xml.Linq;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Conventions;

/// <summary>What the small programs must not drag along.</summary>
public sealed class ReferenceTests
{
    /// <summary>How a forbidden package's name begins, and why it is forbidden.</summary>
    private static readonly Dictionary<string, string> Forbidden = new()
    {
        ["Microsoft.AspNetCore"] = "the agent makes calls and takes none; ASP.NET Core would double its size",
        ["Microsoft.EntityFrameworkCore"] = "the agent's state is its folder; EF Core does not survive native compilation",
        ["Microsoft.Data.Sqlite"] = "the agent's state is its folder",
        ["Microsoft.Extensions.DependencyInjection"] = "the agent is wired by hand; a container needs reflection",
        ["Microsoft.Extensions.Hosting"] = "the agent is wired by hand",
        ["Microsoft.IdentityModel"] = "signed documents are checked by Updraft.Protocol, which accepts one algorithm",
        ["OpenTelemetry"] = "the agent writes its spans itself (decision 17)",
        ["Newtonsoft.Json"] = "JSON is source-generated; this needs reflection",
    };

    [Theory]
    [InlineData("Updraft.Agent")]
    [InlineData("Updraft.Client")]
    [InlineData("Updraft.Protocol")]
    public void The_packages_of_a_small_program_stay_small(string project)
    {
        // The lock file names every package, transitive ones too, and restore refuses any other.
        var packages = JsonNode.Parse(SourceTree.Read($"src/{project}/packages.lock.json"))!["dependencies"]!.AsObject()
            .SelectMany(framework => framework.Value!.AsObject()).Select(package => package.Key).Distinct().ToList();
        Assert.Contains("ZstdSharp.Port", packages);
        var violations = (from package in packages
                          from rule in Forbidden
                          where package.StartsWith(rule.Key, StringComparison.OrdinalIgnoreCase)
                          select $"{project} references {package}: {rule.Value}.").ToList();
        Assert.True(violations.Count == 0, string.Join('\n', violations));
    }

    [Theory]
    [InlineData("Updraft.Agent")]
    [InlineData("Updraft.Client")]
    [InlineData("Updraft.Protocol")]
    public void A_small_program_needs_no_framework_but_NET_itself(string project)
    {
        var file = XDocument.Parse(SourceTree.Read($"src/{project}/{project}.csproj"));
        Assert.True(file.Root!.Attribute("Sdk")!.Value == "Microsoft.NET.Sdk" && !file.Descendants("FrameworkReference").Any(),
            $"{project} references a framework beside .NET; ASP.NET Core belongs to the server only.");
    }

    [Fact]
    public void The_protocol_references_neither_the_server_nor_a_framework()
    {
        var references = typeof(Manifest).Assembly.GetReferencedAssemblies().Select(name => name.Name!).ToList();
        Assert.Contains("ZstdSharp", references);
        var others = references.Where(name => name is not ("ZstdSharp" or "netstandard") && !name.StartsWith("System.", StringComparison.Ordinal)).ToList();
        Assert.True(others.Count == 0, $"Updraft.Protocol is what server and agent share; it must not need {string.Join(", ", others)}.");
    }
}

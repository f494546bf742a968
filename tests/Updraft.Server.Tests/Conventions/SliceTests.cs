using ArchUnitNET.Domain;
using ArchUnitNET.Loader;

namespace Updraft.Server.Tests.Conventions;

public sealed class SliceTests
{
    private const string Prefix = "Updraft.Server.";

    private static readonly string[] Leaves = ["Api", "Security", "Database", "Storage", "Events", "Telemetry"];

    /// <summary>What a slice is built on, directly; whatever those are built on is allowed too.</summary>
    private static readonly Dictionary<string, string[]> BuiltOn = new()
    {
        ["Health"] = [],
        ["OpenApi"] = [],
        ["Organizations"] = [],
        ["Workspaces"] = ["Organizations"],
        ["Clusters"] = ["Organizations"],
        ["Deployments"] = ["Workspaces", "Clusters"],
        ["Tokens"] = ["Deployments"],
        ["Users"] = ["Tokens"],
        ["SignIn"] = ["Users"],
        ["Roles"] = ["Organizations"],
        ["Access"] = ["SignIn"],
        ["Images"] = ["Deployments", "Access"],
        ["Agents"] = ["Deployments"],
        ["Archives"] = [],
        ["Bundles"] = ["Deployments", "Archives"],
        ["Uploads"] = ["Bundles"],
        ["Rollouts"] = ["Bundles", "Agents"],
        ["Deploys"] = ["Uploads", "Rollouts", "Images"],
        ["DeploymentLog"] = ["Deploys", "Agents"],
        ["Web"] = ["Deploys", "Access", "OpenApi", "Webhooks"],
        ["Import"] = ["Bundles"],
        ["Webhooks"] = ["Deploys"],
    };

    private static readonly Architecture Server = new ArchLoader().LoadAssemblies(typeof(Program).Assembly).Build();

    [Fact]
    public void No_slice_depends_on_itself_through_others()
    {
        var arrows = Dependencies().Select(dependency => (dependency.From, dependency.To)).Distinct().ToLookup(arrow => arrow.From, arrow => arrow.To);
        AssertNone(
            from slice in arrows.Select(arrow => arrow.Key)
            where Reachable(slice, arrows).Contains(slice)
            select $"{slice} depends on itself through {string.Join(", ", arrows[slice].Where(next => Reachable(next, arrows).Contains(slice)))}",
            "Two directories that need each other are one directory. Move the shared part into the lower one, or hand it over as a delegate.");
    }

    [Fact]
    public void Leaves_know_no_slice() => AssertNone(
        from dependency in Dependencies()
        where Leaves.Contains(dependency.From) && !Leaves.Contains(dependency.To)
        select $"{dependency.FromType} uses {dependency.ToType}",
        "Api, Security, Database, Storage, Events and Telemetry are used by every slice, so a slice in them would make a circle. Move the type up into the slice.");

    [Fact]
    public void Slices_depend_only_on_what_they_are_built_on() => AssertNone(
        from dependency in Dependencies()
        where !Leaves.Contains(dependency.From) && !Leaves.Contains(dependency.To)
        where !Reach(dependency.From).Contains(dependency.To)
        select $"{dependency.FromType} uses {dependency.ToType}",
        "The arrows between slices stand in BuiltOn in this file and in docs/contributing/architecture.md. A new arrow is a decision: write it down in both.");

    [Fact]
    public void Every_folder_of_the_server_is_a_leaf_or_a_slice_with_its_arrows() => AssertNone(
        from folder in Directory.EnumerateDirectories(Path.Join(SourceTree.Root, "src/Updraft.Server"))
        let name = Path.GetFileName(folder)
        where name is not ("bin" or "obj" or "Properties" or "wwwroot") && !Leaves.Contains(name) && !BuiltOn.ContainsKey(name)
        select name,
        "Say in BuiltOn in this file what the new slice is built on.");

    private static IEnumerable<(string From, string To, string FromType, string ToType)> Dependencies() => (
        from type in Server.Types
        from dependency in type.Dependencies
        let pair = (From: Folder(type), To: Folder(dependency.Target), FromType: type.FullName, ToType: dependency.Target.FullName)
        where pair.From is not null && pair.To is not null && pair.From != pair.To
        select (pair.From!, pair.To!, pair.FromType, pair.ToType)).Distinct();

    private static string? Folder(IType type) => type.Namespace?.FullName is { } name && name.StartsWith(Prefix, StringComparison.Ordinal)
        ? name[Prefix.Length..].Split('.')[0]
        : null;

    private static HashSet<string> Reachable(string slice, ILookup<string, string> arrows)
    {
        var reached = new HashSet<string>(StringComparer.Ordinal);
        var open = new Queue<string>(arrows[slice]);
        while (open.TryDequeue(out var next))
        {
            if (!reached.Add(next))
                continue;
            foreach (var further in arrows[next])
                open.Enqueue(further);
        }
        return reached;
    }

    private static HashSet<string> Reach(string slice)
    {
        var reached = new HashSet<string>();
        var open = new Queue<string>(BuiltOn.GetValueOrDefault(slice, []));
        while (open.TryDequeue(out var next))
        {
            if (!reached.Add(next))
                continue;
            foreach (var further in BuiltOn[next])
                open.Enqueue(further);
        }
        return reached;
    }

    private static void AssertNone(IEnumerable<string> violations, string reason)
    {
        var all = violations.Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.True(all.Count == 0, string.Join('\n', all) + "\n" + reason);
    }
}

using System.Text.Json.Nodes;

namespace Updraft.Agent.Tests.Support;

/// <summary>Evaluates label selectors for the cluster stand-in.</summary>
internal static class StandInSelector
{
    /// <summary>Whether a workload matches a selector with terms KEY=VALUE and KEY in (A,B), separated by commas.</summary>
    public static bool Matches(JsonObject workload, string selector)
    {
        var labels = workload["metadata"]!["labels"]!;
        return selector.Replace(", ", ",", StringComparison.Ordinal).Split(',').Aggregate(new List<string>(), (rules, part) =>
        {
            if (rules.Count > 0 && rules[^1].Contains('(', StringComparison.Ordinal) && !rules[^1].Contains(')', StringComparison.Ordinal))
                rules[^1] += "," + part;
            else
                rules.Add(part);
            return rules;
        }).TrueForAll(rule => rule.Contains(" in (", StringComparison.Ordinal)
            ? rule.Split(" in (")[1].TrimEnd(')').Split(',').Contains((string?)labels[rule.Split(" in (")[0]])
            : (string?)labels[rule.Split('=')[0]] == rule.Split('=')[1]);
    }
}

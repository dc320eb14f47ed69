using System.Text.Json.Nodes;

namespace Pachyderm.Migration.Specs;

/// <summary>A spec on its way from the 1.3 to the 1.4 form, with the record of what was done to it.</summary>
/// <remarks>Field names are accepted as JSON of protocol buffers gives them: <c>run_empty</c> and <c>runEmpty</c> are one field.</remarks>
internal sealed class SpecDraft(JsonObject spec)
{
    private readonly List<SpecDecision> _decisions = [];
    private readonly List<SpecFinding> _findings = [];

    /// <summary>The spec; rules take fields out of it and put fields into it.</summary>
    public JsonObject Spec { get; private set; } = spec;

    public IReadOnlyList<SpecDecision> Decisions => _decisions;

    public IReadOnlyList<SpecFinding> Findings => _findings;

    public void Changed(string path, string was, string became, string why) =>
        _decisions.Add(new SpecDecision(path, was, became, why));

    public void Note(string path, string message) => _findings.Add(new SpecFinding(path, SpecFindingSeverity.Note, message));

    public void Warn(string path, string message) => _findings.Add(new SpecFinding(path, SpecFindingSeverity.Warning, message));

    public void Decide(string path, string message) => _findings.Add(new SpecFinding(path, SpecFindingSeverity.Decide, message));

    /// <summary>The spelling of a field that an object uses, or null when it has the field in none.</summary>
    public static string? Spelling(JsonObject owner, string name)
    {
        if (owner.ContainsKey(name))
        {
            return name;
        }

        var camel = JoinWords(name);
        return owner.ContainsKey(camel) ? camel : null;
    }

    /// <summary>A field's value in either spelling; null when absent or null.</summary>
    public static JsonNode? Value(JsonObject owner, string name) => Spelling(owner, name) is { } spelling ? owner[spelling] : null;

    /// <summary>Whether a name, in either spelling, is one of those given in snake case.</summary>
    public static bool IsOneOf(string name, params ReadOnlySpan<string> known)
    {
        foreach (var candidate in known)
        {
            if (string.Equals(name, candidate, StringComparison.Ordinal)
                || string.Equals(name, JoinWords(candidate), StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes a field out of an object.</summary>
    /// <param name="owner">The object.</param>
    /// <param name="path">The object's path.</param>
    /// <param name="name">The field's name in snake case.</param>
    /// <param name="taken">What was taken out; its value is null when the field was null.</param>
    /// <returns>Whether the field was there.</returns>
    public bool Take(JsonObject owner, string path, string name, out TakenField taken)
    {
        if (Spelling(owner, name) is not { } spelling)
        {
            taken = default;
            return false;
        }

        taken = new TakenField(JsonText.Member(path, spelling), owner[spelling]);
        DropSecondSpelling(owner, path, name);
        owner.Remove(spelling);
        return true;
    }

    /// <summary>Drops a field that an object has in both spellings from the one in camel case, which is reported.</summary>
    public void DropSecondSpelling(JsonObject owner, string path, string name)
    {
        var camel = JoinWords(name);
        if (!ReferenceEquals(camel, name) && owner.ContainsKey(name) && owner.TryGetPropertyValue(camel, out var dropped))
        {
            owner.Remove(camel);
            Decide(JsonText.Member(path, camel), $"the field is given as {name} too; {JsonText.Compact(dropped)} was dropped");
        }
    }

    /// <summary>Puts the fields of the spec in the given order; other fields follow in the order that they have.</summary>
    public void Reorder(ReadOnlySpan<string> order)
    {
        var ordered = new JsonObject();
        foreach (var name in order)
        {
            if (Spelling(Spec, name) is { } spelling)
            {
                Move(spelling, ordered);
            }
        }

        while (Spec.Count > 0)
        {
            Move(Spec.GetAt(0).Key, ordered);
        }

        Spec = ordered;
    }

    /// <summary>The pipeline's name, or null when the spec has none.</summary>
    public string? Name => Value(Spec, "pipeline") is JsonObject pipeline ? Text(Value(pipeline, "name")) : null;

    /// <summary>The value as a string, or null when it is none.</summary>
    public static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static string JoinWords(string snake)
    {
        if (!snake.Contains('_', StringComparison.Ordinal))
        {
            return snake;
        }

        var words = snake.Split('_');
        return words[0] + string.Concat(words.Skip(1).Select(static word => char.ToUpperInvariant(word[0]) + word[1..]));
    }

    private void Move(string name, JsonObject target)
    {
        var value = Spec[name];
        Spec.Remove(name);
        target.Add(name, value);
    }
}

/// <summary>A field that a rule took out of a spec.</summary>
/// <param name="Path">Where it was.</param>
/// <param name="Value">Its value, which no longer belongs to the spec; null when it was JSON's null.</param>
internal readonly record struct TakenField(string Path, JsonNode? Value)
{
    /// <summary>The value as shown in reports.</summary>
    public string Shown => JsonText.Compact(Value);
}

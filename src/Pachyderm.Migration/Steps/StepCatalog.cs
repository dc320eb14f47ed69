namespace Pachyderm.Migration.Steps;

/// <summary>The steps that have registered themselves.</summary>
public static class StepCatalog
{
    private static readonly Dictionary<string, IMigrationStep> Steps = new(StringComparer.Ordinal);

    /// <summary>Registers a step under its folder's name. Called once by each step's module initializer.</summary>
    /// <exception cref="InvalidOperationException">Two steps claim one folder.</exception>
    public static void Register(IMigrationStep step)
    {
        if (!Steps.TryAdd(step.Folder, step))
        {
            throw new InvalidOperationException($"the migration step {step.Folder} is registered twice");
        }
    }

    /// <summary>The step of a folder.</summary>
    /// <exception cref="InvalidOperationException">No step of that folder is part of this program.</exception>
    public static IMigrationStep Get(string folder) => Steps.TryGetValue(folder, out IMigrationStep? step)
        ? step
        : throw new InvalidOperationException($"the migration step {folder} is not part of this program");

    /// <summary>All steps, by folder.</summary>
    public static IEnumerable<IMigrationStep> All => Steps.Values.OrderBy(step => step.Folder, StringComparer.Ordinal);
}

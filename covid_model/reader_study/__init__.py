"""Reader studies: what people answer before and after they see a heatmap, and how often they follow a wrong one."""

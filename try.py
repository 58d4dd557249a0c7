import sys, time
sys.path.insert(0,"/tmp/i5")
from imgaudit.binaries.elf import Elf
from imgaudit.binaries.pclntab_extent import Pclntab
from imgaudit.breakdown.program import Program
from imgaudit.breakdown.functions import read_functions
from imgaudit.breakdown.names import Packages
import re
for f in sys.argv[1:]:
    data=memoryview(open(f,"rb").read())
    t=time.time()
    elf=Elf(data); p=Program(elf); ext=Pclntab(elf).extent
    m=re.search(rb"go1\.(\d+)", data)
    md=p.module_data(ext.start, None if not m else int(m[1]))
    t1=time.time()
    pk=Packages(); fn=read_functions(p,md,pk)
    t2=time.time()
    top=sorted(fn.code.items(),key=lambda x:-x[1])[:6]
    print(f, "minor",md.minor,"functions",md.functions, "%.2f %.2f s"%(t1-t,t2-t1))
    print("  text",md.text[1]-md.text[0],"code",sum(fn.code.values()),"nopkg",fn.code.get(0), "tables",sum(fn.tables.values()),"of",ext.end-ext.start,"nopkg",fn.tables.get(0),"funcdata",sum(fn.data.values()), "inlined",sum(fn.inlined.values()))
    print("  ",[(pk.names[a],b) for a,b in top])

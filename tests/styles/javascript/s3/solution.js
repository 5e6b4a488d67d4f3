// SPDX-License-Identifier: Apache-2.0
module.exports={f:x=>x+1,g:async x=>x+1,cb:(x,c)=>setTimeout(()=>c(null,x+1),5)};class A extends Array{static from(){return 1}};Array.prototype.last=function(){return this[this.length-1]};
